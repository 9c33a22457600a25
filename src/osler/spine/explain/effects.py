"""How predictions move with one feature: aggregates over cases, on a grid of three digits.

Numbers: accumulated local effects (Apley and Zhu 2020), which compare neighbouring values of the cases that have them, where
partial dependence would ask about patients who cannot exist. Categories, which have no neighbours: partial dependence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

FEWEST = 5  # cases of a bin or a level
BINS, LEVELS = 12, 8


@dataclass(frozen=True, slots=True)
class Curve:
    """`grid` (g,) numbers, or words; `effect` (g, a) of each answer, with mean zero over the cases; `cases` (g,) behind a
    word, (g - 1,) between two numbers."""

    grid: np.ndarray
    effect: np.ndarray
    cases: np.ndarray


def edges(values: np.ndarray, *, bins: int = BINS) -> np.ndarray:
    """Return ascending edges (b + 1,) of bins with at least five of the finite `values` each; empty where there are none.

    Edges are quantiles on a grid of three digits of their spread; the outer ones leave five cases beyond them, or are
    values that five cases share.
    """
    known = np.sort(values[np.isfinite(values)].astype(np.float64))
    if len(known) < 2 * FEWEST:
        return np.empty(0)
    beyond = (FEWEST - 1) / (len(known) - 1)
    found = np.quantile(known, np.linspace(beyond, 1 - beyond, bins + 1), method="closest_observation")
    if found[-1] <= found[0]:
        return np.empty(0)
    step = 10.0 ** (np.floor(np.log10(found[-1] - found[0])) - 2)
    found = np.unique([float(f"{v:.12g}") for v in np.round(found / step) * step])
    while len(found) > 2 and (counts := _counts(known, found)).min() < FEWEST:
        at = int(counts.argmin())
        found = np.delete(found, at if at > 0 else 1)
    return found


def number_effect(values: np.ndarray, edges: np.ndarray, *, low: np.ndarray, high: np.ndarray) -> Curve:
    """Return the accumulated effect over `edges` from answers (n, a) of the cases at the lower and upper edge of the bin in
    which their finite `values` (n,) lie."""
    bins = place(values, edges)
    counts = np.bincount(bins, minlength=len(edges) - 1)
    away = np.stack([np.bincount(bins, weights=w, minlength=len(edges) - 1) for w in (high - low).T], axis=1)
    steps = away / np.maximum(counts, 1)[:, None]
    rising = np.concatenate([np.zeros((1, steps.shape[1])), np.cumsum(steps, axis=0)])
    middle = (counts[:, None] * (rising[1:] + rising[:-1]) / 2).sum(0) / max(1, counts.sum())
    return Curve(edges, rising - middle, counts)


def level_effect(answers: Mapping[str, np.ndarray], cases: Mapping[str, int]) -> Curve:
    """Return what each word of a category does: the mean answers (n, a) of all cases if they had it, less the mean over words
    weighted by their `cases`."""
    words = list(answers)
    means, counts = np.stack([answers[w].mean(0) for w in words]), np.array([cases[w] for w in words])
    return Curve(np.array(words, object), means - counts @ means / counts.sum(), counts)


def place(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the bin (n,) of each value; what lies beyond the outer edges belongs to the outer bins."""
    return np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.bincount(place(values, edges), minlength=len(edges) - 1)
