"""What is learned of the training molecules besides weights: scales of the descriptors, and which counts tell molecules apart."""

from __future__ import annotations

import itertools

import numpy as np

from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.molecules.case import DESCRIPTORS, FINGERPRINT

FEWEST = 5  # groups with, and groups without, before a count is kept
MOST_COUNTS = 1200  # kept, those of the middle first: the linear model takes time in proportion; not tried with more or fewer
MOST = 1 << 16  # molecules that are looked at
_NORMAL = 1.349  # interquartile range of a normal distribution with sd 1
_ROWS = 1 << 13  # of a block


def fit(columns: Columns, rows: np.ndarray, *, groups: np.ndarray) -> State:
    """Return scales and counts learned from `rows`.

    Arrays: `center`, `scale` (d,) float32, median and robust deviation of the descriptors on a grid of three digits, 0 and 1 where
    fewer than five groups train; `counts` (c,) int32, ascending, the columns of FINGERPRINT that the baseline sees.
    """
    some = sampled(rows[columns.present[rows]])
    own = groups[some]
    few = len(np.unique(own)) < FEWEST
    middle, spread = _scales(_dense(columns, DESCRIPTORS)[some], few=few)
    return State({"center": middle, "scale": spread, "counts": _counts(columns, some, groups=own)})


def sampled(rows: np.ndarray, *, most: int = MOST) -> np.ndarray:
    """Return at most `most` of `rows`, evenly spread over them."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _dense(columns: Columns, name: str) -> np.ndarray:
    array = columns[name]
    assert isinstance(array, np.ndarray)
    return array


def _scales(values: np.ndarray, *, few: bool) -> tuple[np.ndarray, np.ndarray]:
    width = values.shape[1]
    if few or not len(values):
        return np.zeros(width, np.float32), np.ones(width, np.float32)
    low, middle, high = np.quantile(values.astype(np.float64), [0.25, 0.5, 0.75], axis=0)
    spread = values.std(axis=0, dtype=np.float64)
    # of a count that is mostly zero the quartiles coincide: the deviation takes over
    scale = np.where(high > low, np.minimum((high - low) / _NORMAL, spread), spread)
    scale = np.where(scale > 1e-6 * np.maximum(np.abs(middle), 1.0), scale, 1.0)
    unit = 10.0 ** (np.floor(np.log10(scale)) - 2)
    return (np.round(middle / unit) * unit).astype(np.float32), (np.round(scale / unit) * unit).astype(np.float32)


def _counts(columns: Columns, rows: np.ndarray, *, groups: np.ndarray) -> np.ndarray:
    """Return the columns that at least FEWEST groups have and lack, of too many those nearest to half of the molecules."""
    if FINGERPRINT not in columns.arrays or not len(rows):
        return np.empty(0, np.int32)
    array = _dense(columns, FINGERPRINT)
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1 if len(groups) == 0 else groups[order][0] - 1))
    having, lacking = np.zeros(array.shape[1], np.int64), np.zeros(array.shape[1], np.int64)
    for first, last in _pieces(starts, len(rows)):
        there = np.asarray(array[rows[order[first:last]]]) > 0
        cuts = starts[(starts >= first) & (starts < last)] - first
        having += np.logical_or.reduceat(there, cuts, axis=0).sum(0)
        lacking += np.logical_or.reduceat(~there, cuts, axis=0).sum(0)
    rare = np.minimum(having, lacking)
    kept = np.flatnonzero(rare >= FEWEST)
    kept = kept[np.argsort(-rare[kept], kind="stable")[:MOST_COUNTS]]
    return np.sort(kept).astype(np.int32)


def _pieces(starts: np.ndarray, stop: int) -> list[tuple[int, int]]:
    """Return runs [first, last) of whole groups of about _ROWS rows."""
    edges = [0]
    for start in starts.tolist():
        if start - edges[-1] >= _ROWS:
            edges.append(start)
    edges.append(stop)
    return [(a, b) for a, b in itertools.pairwise(edges) if b > a]
