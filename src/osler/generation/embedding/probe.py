"""How much of a label can be read off vectors by a line alone: a regularised linear model, its penalty chosen on tune rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.core.split import Split
from osler.generation.embedding.questions import Question

PENALTIES = tuple(float(10 ** (-i / 2)) for i in range(9))  # times the cases, from strong to weak
_PATIENCE = 2  # weaker penalties that are tried without gain: the weakest take longest
_MOST = 20_000  # cases that a line is fitted to
_STILL = 1e-6  # deviation of a dimension, as a share of the largest, under which it is rounding
_SHARE = 5  # one in five groups chooses the penalty where the split has no tune rows
_ROUNDS = 400  # of the solver; unfinished at a weak penalty is no fault, as such a fit is judged like the others


@dataclass(frozen=True, slots=True)
class Read:
    """`scores` (m, k) for the rows that were asked, one column per class or the number; `chosen` is what was chosen on tune rows."""

    scores: np.ndarray
    chosen: float


def parts(question: Question, split: Split, *, groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that a reader learns from and those that choose, both with an answer: training and tune, or a part of training by group
    where there is no tune row."""
    training, tune = question.within(split.training), question.within(split.tune)
    if len(tune):
        return training, tune
    distinct = np.random.default_rng([seed, 0x7E]).permutation(np.unique(groups[training]))
    choosing = np.isin(groups[training], distinct[: max(1, len(distinct) // _SHARE)])
    return training[~choosing], training[choosing]


def probed(vectors: np.ndarray, question: Question, *, split: Split, groups: np.ndarray, seed: int) -> Read:
    """Return what a line reads for the test rows: chosen on tune rows, then fitted on all development rows."""
    learned, choosing = parts(question, split, groups=groups, seed=seed)
    learned = _some(learned, seed)
    vectors = _standard(vectors, learned)
    losses: list[float] = []
    for model in _path(question, vectors[learned], question.values[learned]):
        losses.append(_loss(question, model, vectors[choosing], question.values[choosing]))
        if len(losses) - int(np.argmin(losses)) > _PATIENCE:
            break
    best = PENALTIES[int(np.argmin(losses))]
    every = _some(question.within(split.development), seed)
    (model,) = _path(question, vectors[every], question.values[every], penalties=(best,))
    return Read(_scores(question, model, vectors[question.within(split.test)]), best)


def _some(rows: np.ndarray, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng([seed, 0x9B]).permutation(rows)[:_MOST])


def _standard(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return `vectors` with mean 0 and deviation 1 over `rows`, so that one penalty suits all dimensions; those that are constant stay so."""
    mean, deviation = vectors[rows].mean(axis=0, dtype=np.float64), vectors[rows].std(axis=0, dtype=np.float64)
    still = deviation <= _STILL * deviation.max(initial=0.0)
    return np.asarray((vectors - mean) / np.where(still, np.inf, deviation), np.float32)


def _path(
    question: Question, vectors: np.ndarray, values: np.ndarray, *, penalties: Sequence[float] = PENALTIES
) -> Iterator[Any]:
    """Yield a model for each penalty, each started from the one before."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge

    if not question.classes:
        for penalty in penalties:
            yield Ridge(alpha=penalty * len(values)).fit(vectors, values)
        return
    model = LogisticRegression(max_iter=_ROUNDS, warm_start=True)
    for penalty in penalties:
        model.set_params(C=1 / (penalty * len(values)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            yield model.fit(vectors, values.astype(np.int64))


def _loss(question: Question, model: Any, vectors: np.ndarray, values: np.ndarray) -> float:
    if not question.classes:
        return float(np.mean((model.predict(vectors) - values) ** 2))
    scores = _scores(question, model, vectors)
    scores = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    told = scores[np.arange(len(values)), values.astype(np.int64)]
    return float(-np.mean(np.maximum(told, -30.0)))  # a class that training lacks costs much, and not everything


def _scores(question: Question, model: Any, vectors: np.ndarray) -> np.ndarray:
    if not question.classes:
        return np.asarray(model.predict(vectors), np.float64)[:, None]
    raw = model.decision_function(vectors)
    raw = np.column_stack([-raw / 2, raw / 2]) if raw.ndim == 1 else raw
    scores = np.full((len(vectors), len(question.classes)), -1e3)
    scores[:, model.classes_] = raw
    return scores
