"""How well one column alone tells the outcome: a first look at every column, then a closer one at those that seem perfect.

All figures are out of fold (see `binned`) or need no fitting (the order of a number's values).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osler.core.clue import Outcome
from osler.core.ranks import ranked
from osler.spine.leaks.binned import Binned, Cells, counted

# Of real data that were looked at for this (docs/decisions/0008), the best single column that is no leak leaves 19% of the errors
# of a constant guess (Wisconsin breast cancer, AUROC .975) or 6% (iris, three classes); the measurement from which BACE's classes
# were made leaves 2.5%. Of numbers, last year's fertility leaves .003 of the spread of this year's ranks.
LEFT = 0.03  # of the errors of a constant guess: a column that leaves no more seems perfect
LEFT_OF_MANY = 0.015  # where there are more than two
AUROC = 0.995  # or one that orders two classes so well
SPREAD_LEFT = 0.002  # of the squares of the ranks of a number around their mean


@dataclass(frozen=True, slots=True)
class Question:
    """The outcome as every check asks of it: `classes` indicators, or the ranks of a number.

    `values` (k, m): of two classes the second's indicator, of more one each, of a number its rank from 0 to 1. `fold` (m,).
    """

    values: np.ndarray
    fold: np.ndarray
    classes: int

    @property
    def perfect(self) -> float:
        """The share of `blind` that a column may leave and yet seem perfect."""
        return {0: SPREAD_LEFT, 2: LEFT}.get(self.classes, LEFT_OF_MANY)

    @property
    def blind(self) -> float:
        """What a guess that knows no column leaves: wrong cases, or squares of the ranks around their mean."""
        if not self.classes:
            return float(((self.values[0] - self.values[0].mean()) ** 2).sum())
        sums = self.values.sum(axis=1)
        return float(min(sums[0], self.values.shape[1] - sums[0]) if self.classes == 2 else self.values.shape[1] - sums.max())


def question(outcome: Outcome, rows: np.ndarray, *, fold: np.ndarray) -> Question:
    """Return the outcome of `rows`, all of which are observed."""
    values = outcome.values[rows]
    if not outcome.classes:
        return Question(ranked(values)[None] / len(values), fold, 0)
    classes = (1,) if outcome.classes == 2 else range(outcome.classes)
    return Question(np.stack([(values == k).astype(float) for k in classes]), fold, outcome.classes)


def first_look(table: Binned, asked: Question) -> tuple[np.ndarray, list[Cells]]:
    """Return (c,) the share of `asked.blind` that each column leaves, and the cells of each row of the question."""
    cells = [counted(table, values, asked.fold) for values in asked.values]
    if not asked.classes:
        return _squares_left(cells[0], float(asked.values.mean())) / max(asked.blind, 1e-12), cells
    means = [c.means(overall=float(v.mean())) for c, v in zip(cells, asked.values, strict=True)]
    if asked.classes == 2:
        sums = cells[0].sums
        wrong = np.where(means[0] > 0.5, cells[0].counts - sums, sums).sum(axis=(1, 2))
        area = _area(means[0], sums, cells[0].counts - sums)
        # a column may order two classes well and yet have no good cut at 1/2
        return np.where(area >= AUROC, np.minimum(wrong / max(asked.blind, 1.0), LEFT), wrong / max(asked.blind, 1.0)), cells
    best = np.stack(means).argmax(axis=0)
    right = np.take_along_axis(np.stack([c.sums for c in cells]), best[None], axis=0)[0]
    return (cells[0].counts - right).sum(axis=(1, 2)) / max(asked.blind, 1.0), cells


def _squares_left(cells: Cells, overall: float) -> np.ndarray:
    mean = cells.means(overall=overall)
    return np.asarray((cells.squares - 2 * mean * cells.sums + mean**2 * cells.counts).sum(axis=(1, 2)))


def _area(scores: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Return (c,) AUROC of cells with a score each."""
    order = scores.reshape(len(scores), -1).argsort(axis=1)
    pos, neg = (np.take_along_axis(a.reshape(len(a), -1), order, axis=1) for a in (positive, negative))
    won = (pos * (neg.cumsum(axis=1) - neg / 2)).sum(axis=1)
    return np.asarray(won / np.maximum(pos.sum(axis=1) * neg.sum(axis=1), 1))


def by_order(values: np.ndarray, asked: Question) -> np.ndarray:
    """Return (c,) the share of `asked.blind` that the order of numbers (c, m), NaN missing, leaves: bins are too coarse where
    one class is rare or the outcome is a number. Missing cells go to one side as a whole. NaN where there are more classes."""
    if asked.classes > 2:
        return np.full(len(values), np.nan)
    there = ~np.isnan(values)
    ranks = ranked(np.where(there, values, np.inf), axis=1)
    if not asked.classes:
        return _unranked(ranks, there, asked.values[0])
    wrong = _cut(values, asked.values[0]) / max(asked.blind, 1.0)
    return np.where(_order_area(ranks, there, asked.values[0]) >= AUROC, np.minimum(wrong, LEFT), wrong)


def _cut(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return (c,) the wrong cases of the best cut."""
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    count = values.shape[1]
    below = np.concatenate([np.zeros((len(values), 1)), truth[order].cumsum(axis=1)], axis=1)  # positives among the first j
    there = (~np.isnan(values)).sum(axis=1, keepdims=True)
    known = np.take_along_axis(below, there, axis=1)  # positives among the present
    places = np.arange(count + 1)
    may = np.ones(below.shape, bool)
    may[:, 1:-1] = (ordered[:, 1:] > ordered[:, :-1]) | (places[1:-1] == there)
    may &= places <= there
    rising = below + (there - places) - (known - below)  # positives below the cut, negatives above
    wrong = np.minimum(np.where(may, rising, np.inf).min(axis=1), np.where(may, there - rising, np.inf).min(axis=1))
    lost = (truth.sum() - known)[:, 0]
    return np.asarray(wrong + np.minimum(lost, count - there[:, 0] - lost))


def _order_area(ranks: np.ndarray, there: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return (c,) AUROC of the order, in the better direction and with missing cells at the better end (Mann & Whitney 1947)."""
    positive = (there & (truth > 0)).sum(axis=1)
    negative = there.sum(axis=1) - positive
    won = np.where(there, ranks, 0.0) @ truth - positive * (positive + 1) / 2
    won = np.maximum(won, positive * negative - won)
    gone = truth.sum() - positive, (1 - truth).sum() - negative
    ends = np.maximum(gone[0] * negative, gone[1] * positive) + gone[0] * gone[1] / 2
    return np.asarray((won + ends) / max(float(truth.sum() * (1 - truth).sum()), 1.0))


def _unranked(ranks: np.ndarray, there: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return (c,) the share of the spread of `truth` that a straight line over the ranks leaves; missing cells have their mean."""
    count = np.maximum(there.sum(axis=1), 1)
    across = _centred(np.where(there, ranks, 0.0), there, count)
    away = _centred(np.where(there, truth, 0.0), there, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        explained = np.nan_to_num((across * away).sum(axis=1) ** 2 / (across**2).sum(axis=1))
    gone = _centred(np.where(there, 0.0, truth), ~there, np.maximum((~there).sum(axis=1), 1))
    left = (away**2).sum(axis=1) - explained + (gone**2).sum(axis=1)
    return np.asarray(left / max(float(((truth - truth.mean()) ** 2).sum()), 1e-12))


def _centred(values: np.ndarray, there: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.where(there, values - (values.sum(axis=1) / count)[:, None], 0.0)
