"""What the nearest cases tell of a case."""

from __future__ import annotations

import numpy as np

from osler.core.split import Split
from osler.generation.embedding.probe import Read, parts
from osler.generation.embedding.questions import Question

COUNTS = (1, 3, 5, 10, 20, 50)  # of neighbours, among which tune rows choose
LOOKED = 10  # neighbours whose class or group is looked at


def read_off(vectors: np.ndarray, question: Question, *, split: Split, groups: np.ndarray, seed: int) -> Read:
    """Return for the test rows the shares of classes among their nearest development rows, or the mean number; how many nearest ones is
    chosen on tune rows."""
    learned, choosing = parts(question, split, groups=groups, seed=seed)
    near = nearest(vectors, choosing, among=learned, count=max(COUNTS))
    counts = [count for count in COUNTS if count <= near.shape[1]]
    losses = [_loss(question, _told(question, near[:, :count]), question.values[choosing]) for count in counts]
    best = counts[int(np.argmin(losses))]
    found = nearest(vectors, question.within(split.test), among=question.within(split.development), count=best)
    return Read(_told(question, found), float(best))


def nearest(vectors: np.ndarray, rows: np.ndarray, *, among: np.ndarray, count: int) -> np.ndarray:
    """Return for each of `rows` the numbers (m, k) of the `count` nearest in `among`, or all where there are fewer."""
    from sklearn.neighbors import NearestNeighbors

    model = NearestNeighbors(n_neighbors=min(count, len(among))).fit(vectors[among])
    return np.asarray(among[model.kneighbors(vectors[rows], return_distance=False)])


def alike(vectors: np.ndarray, question: Question, *, split: Split) -> np.ndarray:
    """Return (m,) for the test rows the share of their ten nearest development rows that are of the same class."""
    rows = question.within(split.test)
    near = nearest(vectors, rows, among=question.within(split.development), count=LOOKED)
    return np.asarray((question.values[near] == question.values[rows][:, None]).mean(axis=1))


def alike_by_chance(question: Question, *, split: Split) -> np.ndarray:
    """Return (m,) for the test rows the share of all development rows that are of the same class."""
    rows, every = question.within(split.test), question.within(split.development)
    sizes = np.bincount(question.values[every].astype(np.int64), minlength=len(question.classes))
    return np.asarray((sizes / len(every))[question.values[rows].astype(np.int64)])


def of_own_group(vectors: np.ndarray, rows: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which of `rows` have another case of their group among them, and for these (m,) the share of it that is as near as its size
    allows at best, and what chance would give.

    Of a group of four, up to three of a case's three nearest may be of its group.
    """
    own = groups[rows]
    _, code, sizes = np.unique(own, return_inverse=True, return_counts=True)
    others = sizes[code] - 1
    asked = np.flatnonzero((others > 0) & (others <= LOOKED))
    near = nearest(vectors, rows[asked], among=rows, count=LOOKED + 1)
    same = (groups[near] == own[asked][:, None]) & (near != rows[asked][:, None])
    within = np.cumsum(near != rows[asked][:, None], axis=1) <= others[asked][:, None]
    share = (same & within).sum(axis=1) / np.maximum(others[asked], 1)
    return asked, share, others[asked] / max(len(rows) - 1, 1)


def _told(question: Question, near: np.ndarray) -> np.ndarray:
    values = question.values[near]
    if not question.classes:
        return np.asarray(values.mean(axis=1, keepdims=True))
    return np.stack([(values == code).mean(axis=1) for code in range(len(question.classes))], axis=1)


def _loss(question: Question, told: np.ndarray, values: np.ndarray) -> float:
    if not question.classes:
        return float(np.mean((told[:, 0] - values) ** 2))
    truth = values[:, None] == np.arange(told.shape[1])
    return float(np.mean(((told - truth) ** 2).sum(axis=1)))  # Brier's score: a share of 0 is no infinite loss
