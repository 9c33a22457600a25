"""Columns as codes, and what the codes tell of an outcome that they were not counted with.

A number is cut into at most 128 bins of equal size (missing cells are one more), a category is its words. The score of a cell is the
mean outcome of the other folds' cases with the same code, so that a column of many words cannot learn by heart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from osler.core.clue import Clues

BINS = 128
LEAST_IN_BIN = 10
FOLDS = 5
DRAWN = 0.01  # of a case: a code that the other folds lack is answered by the overall mean
CODES = 20  # a number with no more different values may be a code: its values are looked at one by one


@dataclass(frozen=True, slots=True)
class Binned:
    """`codes` (c, m) from 0 to `size` - 1. `single` (c, size) bool: the code stands for one word, for one of the few values of a
    number, or for missing; `ordered` (c, size) bool: it has neighbours among the values of a number. `missing` (c,) is the code
    of an empty cell, -1 where there is none."""

    names: tuple[str, ...]
    codes: np.ndarray
    size: int
    single: np.ndarray
    ordered: np.ndarray
    missing: np.ndarray


@dataclass(frozen=True, slots=True)
class Cells:
    """Counts (c, size, folds) of cases and sums of one outcome, and of its square, by code and fold."""

    counts: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    def means(self, *, overall: float) -> np.ndarray:
        """Return (c, size, folds) the mean of the other folds, `overall` where they have none."""
        counts = self.counts.sum(axis=2, keepdims=True) - self.counts
        sums = self.sums.sum(axis=2, keepdims=True) - self.sums
        return np.asarray((sums + overall * DRAWN) / (counts + DRAWN))


def binned(clues: Clues) -> Iterator[Binned]:
    """Yield the columns as codes: numbers side by side, categories one by one, for each has its own number of words."""
    if not clues.categorical:
        yield _numbers(clues)
        return
    for name, values in zip(clues.names, clues.values, strict=True):
        words, codes = np.unique(values, return_inverse=True)
        single = np.ones((1, len(words)), bool)
        empty = np.flatnonzero(words == 0)
        yield Binned(
            (name,), codes.reshape(1, -1), len(words), single, np.zeros_like(single), empty if len(empty) else np.array([-1])
        )


def _numbers(clues: Clues) -> Binned:
    values = clues.values
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    fresh = np.zeros(values.shape, bool)
    fresh[:, 1:] = ordered[:, 1:] > ordered[:, :-1]
    missing = np.isnan(ordered)
    there = (~missing).sum(axis=1, keepdims=True)
    number = fresh.cumsum(axis=1)  # of the value among the different ones
    few = number.max(axis=1, initial=0) < CODES
    starts = np.maximum.accumulate(np.where(fresh, np.arange(values.shape[1]), 0), axis=1)
    bins = np.clip(there // LEAST_IN_BIN, 1, BINS)
    coded = np.where(few[:, None], number, np.minimum(starts * bins // np.maximum(there, 1), BINS - 1))
    coded = np.where(missing, BINS, coded)
    codes = np.empty_like(coded)
    np.put_along_axis(codes, order, coded, axis=1)
    single = np.zeros((len(values), BINS + 1), bool)
    single[:, BINS] = True
    single[few] = True
    neighbours = np.broadcast_to((few & (number.max(axis=1, initial=0) > 1))[:, None], single.shape).copy()
    neighbours[:, BINS] = False
    return Binned(clues.names, codes, BINS + 1, single, neighbours, np.full(len(values), BINS))


def counted(table: Binned, outcome: np.ndarray, fold: np.ndarray) -> Cells:
    """Return the cells of an `outcome` (m,) of cases in `fold` (m,)."""
    columns = len(table.codes)
    flat = (np.arange(columns)[:, None] * table.size + table.codes) * FOLDS + fold
    shape = (columns, table.size, FOLDS)
    parts = [np.ones_like(outcome), outcome, outcome * outcome]
    spread = (np.broadcast_to(p, flat.shape).ravel() for p in parts)
    return Cells(*(np.bincount(flat.ravel(), p, np.prod(shape)).reshape(shape) for p in spread))
