"""How well a few numbers tell a class, by themselves: a cross-validated linear probe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from osler.core.ranks import ranked
from osler.core.target import Target

FOLDS, RIDGE = 5, 10.0
FEWEST = 20  # cases of a class, and of all others


@dataclass(frozen=True, slots=True)
class Question:
    """One class against the rest: `name` for a reader, `cases` (m,) places among the rows, `truth` (m,) bool."""

    name: str
    cases: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True, slots=True)
class Told:
    """The area under the ROC curve of a probe, with its standard error (Hanley and McNeil 1982)."""

    auroc: float
    error: float


def questions(target: Target, rows: np.ndarray) -> Iterator[Question]:
    """Yield each class of the cases `rows` that enough of them have; of two classes, one. Numbers have none."""
    classes: Sequence[Sequence[object]] = target.info.get("classes") or ()
    names = target.info.get("names") or ["" for _ in classes]
    for column, labels in enumerate(classes):
        seen = np.flatnonzero(target.observed[rows, column])
        values = target.values[rows[seen], column]
        for level in range(1, 2) if len(labels) == 2 else range(len(labels)):
            truth = values == level
            if min(truth.sum(), (~truth).sum()) >= FEWEST:
                yield Question(f"{names[column]}: {labels[level]}", seen, truth)


def probed(features: np.ndarray, truth: np.ndarray) -> Told:
    """Return what features (m, f) tell of `truth` (m,), each case answered by a ridge regression on the others' folds."""
    fold = np.random.default_rng(0xC0).permutation(len(truth)) % FOLDS
    answer = np.empty(len(truth))
    for part in range(FOLDS):
        inside = fold != part
        mean, spread = features[inside].mean(0), features[inside].std(0) + 1e-6
        scaled = (features - mean) / spread
        known, share = scaled[inside], truth[inside].mean()
        weights = np.linalg.solve(known.T @ known + RIDGE * np.eye(known.shape[1]), known.T @ (truth[inside] - share))
        answer[~inside] = scaled[~inside] @ weights
    return told(answer, truth)


def told(answer: np.ndarray, truth: np.ndarray) -> Told:
    """Return the area of `answer` (m,) for `truth` (m,)."""
    ones, noes = int(truth.sum()), int((~truth).sum())
    area = (ranked(answer)[truth].sum() - ones * (ones + 1) / 2) / (ones * noes)
    first, second = area / (2 - area), 2 * area * area / (1 + area)
    variance = (area * (1 - area) + (ones - 1) * (first - area * area) + (noes - 1) * (second - area * area)) / (ones * noes)
    return Told(float(area), float(np.sqrt(max(variance, 0.0))))
