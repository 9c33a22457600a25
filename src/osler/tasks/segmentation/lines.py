"""The line of statistics that a case leaves: all that the measures need of each label, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

# Of a label, over the places that somebody looked at: how many are the label, how many are marked, how many are both; true and marked
# volume in ml (of pictures, mm²); the normalised surface distance, HD95 and average surface distance in mm; and the sum of the label's
# probability over all places and over the marked ones. Then, in bins of that probability, how many places, their probability, their truth.
TRUE, MARKED, BOTH, VOLUME, VOLUME_MARKED, NSD, HD95, ASSD, CHANCE, CHANCE_MARKED = range(10)
BINS = 15
FIRST_BIN = 10
WIDTH = FIRST_BIN + 3 * BINS
DISTANCES = slice(NSD, ASSD + 1)


def split(statistics: np.ndarray, labels: int) -> np.ndarray:
    """Return (n, labels, fields) of statistics (n, labels * fields)."""
    return statistics.reshape(len(statistics), labels, WIDTH)


def dice(parts: np.ndarray) -> np.ndarray:
    """Return (n, labels) 2 |A ∩ B| / (|A| + |B|); NaN where neither truth nor prediction has the label."""
    return _ratio(2 * parts[..., BOTH], parts[..., TRUE] + parts[..., MARKED])


def overlap(parts: np.ndarray) -> np.ndarray:
    """Return (n, labels) |A ∩ B| / |A ∪ B|; NaN where neither truth nor prediction has the label."""
    return _ratio(parts[..., BOTH], parts[..., TRUE] + parts[..., MARKED] - parts[..., BOTH])


def expected(parts: np.ndarray) -> np.ndarray:
    """Return (n, labels) the Dice that the probabilities let expect of the marks, 2 Σ p m / (Σ p + Σ m): no truth enters."""
    return _ratio(2 * parts[..., CHANCE_MARKED], parts[..., CHANCE] + parts[..., MARKED])


def relative_error(parts: np.ndarray) -> np.ndarray:
    """Return (n, labels) the error of the volume as a share of the true one; NaN where the truth has none."""
    return _ratio(np.abs(parts[..., VOLUME_MARKED] - parts[..., VOLUME]), parts[..., VOLUME])


def one_sided(parts: np.ndarray) -> np.ndarray:
    """Return (n, labels) 1 where only one of truth and prediction has the label, 0 where both have, NaN where none has."""
    true, marked = parts[..., TRUE], parts[..., MARKED]
    return np.where((true > 0) | (marked > 0), (true > 0) != (marked > 0), np.nan) + 0 * true


def pooled(statistics: np.ndarray, groups: np.ndarray | None, *, info: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the statistics (m, s) of what is scored as one, and the first line of each: the slices of a group together.

    Places and volumes add up, distances are means over the slices that have one. Volumes stand for themselves.
    """
    alone = statistics, np.arange(len(statistics))
    if groups is None or info["axes"] != 2:
        return alone
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    if len(first) == len(groups):
        return alone
    order = np.argsort(first)
    place = np.empty(len(first), np.int64)
    place[order] = np.arange(len(first))
    parts = split(statistics, len(info["names"]))
    sums, known = _added(parts, place[inverse.reshape(-1)], len(first))
    with np.errstate(invalid="ignore", divide="ignore"):
        sums[:, :, DISTANCES] /= known[:, :, DISTANCES]
    return np.where(known > 0, sums, np.nan).reshape(len(first), -1), first[order]


def _added(parts: np.ndarray, at: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums over what is known and how many are known, each (size, labels, fields)."""
    sums, known = np.zeros((size, *parts.shape[1:])), np.zeros((size, *parts.shape[1:]))
    np.add.at(sums, at, np.nan_to_num(parts))
    np.add.at(known, at, ~np.isnan(parts))
    return sums, known


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return np.divide(over, under, out=np.full(under.shape, np.nan), where=under > 0)
