"""Measures that depend on the order of predictions alone, for many resamples at once.

A resample is a row of counts: how often it holds each case. Cases are sorted once; each resample then costs a cumulative
sum. Ties are treated exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

BLOCK = 1_000_000  # counts treated at once: temporaries of a few arrays of 8 MB


def blocks(counts: np.ndarray) -> Iterator[slice]:
    """Yield slices of resamples whose temporaries stay small."""
    step = max(1, BLOCK // max(1, counts.shape[1]))
    for start in range(0, len(counts), step):
        yield slice(start, min(start + step, len(counts)))


def ranked(values: np.ndarray, *, axis: int | None = None) -> np.ndarray:
    """Return the ranks of `values` from 1 on, of all or along `axis`; equal ones share the mean of theirs."""
    from scipy.stats import rankdata  # a second of import, which a command that refuses its input need not wait for

    ranks: np.ndarray = rankdata(values, axis=axis)
    return ranks


@dataclass(frozen=True, slots=True)
class Ranking:
    """Cases by falling score.

    `order` (n,) case at each place; `places` (p,) the places of the positives, ascending. `ends` and `starts` (g,) are the last
    place of each run of equal scores that holds a positive, and the place before its first (-1 at the top); `last` (g,)
    which positive closes the run.
    """

    order: np.ndarray
    places: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, score: np.ndarray, truth: np.ndarray) -> Ranking:
        """Sort cases with `score` (n,) and `truth` (n,) bool."""
        order = np.argsort(-score)
        ordered = score[order]
        places = np.flatnonzero(truth[order])
        closing = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], [True][: len(order)]))
        run = np.searchsorted(closing, places)  # which run of equal scores a positive lies in
        last = np.flatnonzero(np.append(run[1:] != run[:-1], [True][: len(run)]))
        runs = run[last]
        before = np.concatenate([[-1], closing])
        return cls(order, places, before[runs], closing[runs], last)


@dataclass(frozen=True, slots=True)
class Tally:
    """Cumulative counts of a block of resamples in the order of a ranking.

    `total` (r, n) cases down to each place, `hits` (r, p) positives down to each positive.
    """

    total: np.ndarray
    hits: np.ndarray

    @classmethod
    def of(cls, counts: np.ndarray, ranking: Ranking) -> Tally:
        """Sum `counts` (r, n), given in the order of cases."""
        ordered = counts[:, ranking.order]
        total = np.cumsum(ordered, axis=1, dtype=np.int32)
        return cls(total, np.cumsum(ordered[:, ranking.places], axis=1, dtype=np.int32))

    def areas(self, ranking: Ranking) -> tuple[np.ndarray, np.ndarray]:
        """Return AUROC and average precision (r,), NaN where a resample lacks a class.

        AUROC is the chance that a positive outranks a negative, ties counting half (Hanley and McNeil 1982). Average precision
        is the sum of precision times the step in recall over distinct scores, as scikit-learn defines it.
        """
        positives = self.hits[:, -1:].astype(float) if self.hits.shape[1] else np.zeros((len(self.total), 1))
        negatives = self.total[:, -1:] - positives
        hits = self.hits[:, ranking.last].astype(float)
        gained = np.diff(hits, axis=1, prepend=0.0)
        upto = self.total[:, ranking.ends].astype(float)
        above = np.where(ranking.starts >= 0, self.total[:, ranking.starts], 0)
        false = (upto - hits) + (above - (hits - gained))  # twice the mean of false positives before and after the run
        with np.errstate(invalid="ignore", divide="ignore"):
            auroc = np.einsum("ij,ij->i", gained, negatives - false / 2) / (positives * negatives)[:, 0]
            precision = np.divide(hits, upto, out=np.zeros_like(hits), where=upto > 0)
            auprc = np.einsum("ij,ij->i", gained, precision) / positives[:, 0]
        lacking = (positives * negatives)[:, 0] == 0
        return np.where(lacking, np.nan, auroc), np.where(lacking, np.nan, auprc)


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of neighbouring scores, falling: `score` (m,) their means; `order` (n,) the cases run by run, negatives first;
    `starts` (c,) where each run's negatives and its positives begin, where it has any, and `cells` (c,) which of 2 m they are."""

    score: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    cells: np.ndarray

    @classmethod
    def of(cls, score: np.ndarray, truth: np.ndarray) -> Runs:
        """Cut the cases with `score` (n,) and `truth` (n,) bool into up to 1,000 runs, which never part equal scores.

        Half of the cuts lie between equal numbers of cases, half between positives: of a rare outcome each has its own run, for
        average precision is made where they are.
        """
        falling = np.argsort(-score)
        ordered, places = score[falling], np.flatnonzero(truth[falling])
        closing = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) + 1
        among = places[np.unique(np.linspace(0, len(places) - 1, _RUNS // 4).astype(np.int64))] if len(places) else places
        wanted = np.concatenate([np.linspace(0, len(score), _RUNS // 2 + 1)[1:].astype(np.int64), among, among + 1])
        ends = np.unique(closing[np.searchsorted(closing, np.clip(wanted, 1, len(score)))])
        run = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        cell = (2 * run + truth[falling]).astype(np.uint16)  # two bytes are sorted by counting
        order = np.argsort(cell, kind="stable")
        cells, starts = np.unique(cell[order], return_index=True)
        cells = cells.astype(np.int64)
        means = np.add.reduceat(ordered, np.append(0, ends[:-1])) / np.diff(ends, prepend=0)
        return cls(means, falling[order], starts, cells)

    def tally(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return cases and positives (r, m) float64 of each run in resamples `counts` (r, n)."""
        found = np.zeros((len(counts), 2 * len(self.score)))
        found[:, self.cells] = np.add.reduceat(counts[:, self.order], self.starts, axis=1, dtype=np.int32)
        return found[:, 0::2] + found[:, 1::2], found[:, 1::2]


_RUNS = 1000


def areas(total: np.ndarray, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return AUROC and average precision (r,) from cases and positives (r, m) of runs of falling score; NaN where a resample
    lacks a class."""
    false = total - hits
    positives, negatives = hits.sum(axis=1), false.sum(axis=1)
    above = np.cumsum(false, axis=1) - false / 2
    upto = np.cumsum(total, axis=1)
    precision = np.divide(np.cumsum(hits, axis=1), upto, out=np.zeros_like(hits), where=upto > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        auroc = 1 - np.einsum("ij,ij->i", hits, above) / (positives * negatives)
        auprc = np.einsum("ij,ij->i", hits, precision) / positives
    lacking = positives * negatives == 0
    return np.where(lacking, np.nan, auroc), np.where(lacking, np.nan, auprc)


@dataclass(frozen=True, slots=True)
class Order:
    """Cases by rising value: `order` (n,), `back` (n,) its inverse, and for each place the `first` and `last` of its ties."""

    order: np.ndarray
    back: np.ndarray
    first: np.ndarray
    last: np.ndarray
    tied: bool

    @classmethod
    def of(cls, values: np.ndarray) -> Order:
        """Sort `values` (n,)."""
        order = np.argsort(values)
        ordered = values[order]
        opening = np.append([True][: len(order)], ordered[1:] != ordered[:-1])
        run = np.cumsum(opening) - 1
        firsts = np.flatnonzero(opening)
        lasts = np.append(firsts[1:], len(order)) - 1
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return cls(order, back, firsts[run], lasts[run], bool(len(firsts) < len(order)))

    def midranks(self, counts: np.ndarray) -> np.ndarray:
        """Return twice the mean rank less one (r, n), in the order of cases, of resamples `counts` (r, n)."""
        ordered = counts[:, self.order]
        upto = np.cumsum(ordered, axis=1, dtype=np.int32)
        if not self.tied:
            return (2 * upto - ordered)[:, self.back]
        before = np.where(self.first > 0, upto[:, self.first - 1], 0)
        return (before + upto[:, self.last])[:, self.back]


def spearman(one: np.ndarray, other: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the rank correlation (r,) of `one` and `other` (n,) in resamples `counts` (r, n); NaN where one is constant."""
    if len(counts) > 1 and len(one) > _PLACES_SINGLY:
        return _spearman_by_cells(one, other, counts)
    orders = Order.of(one), Order.of(other)
    out = np.full(len(counts), np.nan)
    for block in blocks(counts):
        weight = counts[block].astype(float)
        size = weight.sum(axis=1, keepdims=True)
        x, y = (o.midranks(counts[block]) - size for o in orders)  # the mean of twice the rank less one is the size
        across = np.einsum("ij,ij,ij->i", weight, x, y)
        spread = np.einsum("ij,ij,ij->i", weight, x, x) * np.einsum("ij,ij,ij->i", weight, y, y)
        out[block] = np.divide(across, np.sqrt(spread), out=np.full(len(across), np.nan), where=spread > 0)
    return out


# Above this many cases the rank correlation of a resample is taken over cells of 200 by 200 quantiles: its spread hardly differs
# (tests/unit/tasks/test_task_measures.py), and a single sample is always exact.
_PLACES_SINGLY, _SIDE = 20_000, 200


def _spearman_by_cells(one: np.ndarray, other: np.ndarray, counts: np.ndarray) -> np.ndarray:
    rows, columns = _cells(one), _cells(other)
    pair = rows * _SIDE + columns
    order = np.argsort(pair.astype(np.uint16), kind="stable")  # two bytes are sorted by counting
    distinct, starts = np.unique(pair[order], return_index=True)
    places = distinct // _SIDE, distinct % _SIDE
    sums = [np.zeros((len(distinct), _SIDE)) for _ in places]
    for own, place in zip(sums, places, strict=True):
        own[np.arange(len(distinct)), place] = 1.0
    out = np.full(len(counts), np.nan)
    for block in blocks(counts):
        weight = np.add.reduceat(counts[block][:, order], starts, axis=1, dtype=np.int64).astype(float)
        size = weight.sum(axis=1, keepdims=True)
        margins = [weight @ own for own in sums]
        x, y = (
            (2 * np.cumsum(m, axis=1) - m - size)[:, place] for m, place in zip(margins, places, strict=True)
        )  # twice the rank less one, about its mean
        across = np.einsum("ij,ij,ij->i", weight, x, y)
        spread = np.einsum("ij,ij,ij->i", weight, x, x) * np.einsum("ij,ij,ij->i", weight, y, y)
        out[block] = np.divide(across, np.sqrt(spread), out=np.full(len(across), np.nan), where=spread > 0)
    return out


def _cells(values: np.ndarray) -> np.ndarray:
    edges = np.unique(np.sort(values)[np.linspace(0, len(values), _SIDE + 1).astype(np.int64)[1:-1]])
    return np.searchsorted(edges, values, side="right")
