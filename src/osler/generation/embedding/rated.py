"""What was read off vectors, as statistics of the test cases that can be resampled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from osler.core.measure import Measure
from osler.core.ranks import Ranking, Tally, blocks
from osler.core.scores import Value
from osler.generation.embedding.questions import Question
from osler.spine.evaluate.statistic import Statistic

AUROC = Measure("auroc", "higher", "logit")
ACCURACY = Measure("accuracy", "higher", "logit", proportion=True)
R2 = Measure("r2", "higher", most=1.0)
ALIKE = Measure("same_class", "higher", "logit")
OWN_GROUP = Measure("same_group", "lower", "logit")
Of = Callable[[np.ndarray], np.ndarray]


def ranked(score: np.ndarray, truth: np.ndarray) -> Statistic:
    """Return how well `score` (n,) puts the cases of `truth` (n,) bool before the others."""
    ranking = Ranking.of(score, truth)

    def auroc(counts: np.ndarray) -> np.ndarray:
        return np.concatenate([Tally.of(counts[block], ranking).areas(ranking)[0] for block in blocks(counts)])

    return Statistic(AUROC, auroc, float(min(truth.sum(), (~truth).sum())))


def share(measure: Measure, values: np.ndarray) -> Statistic:
    """Return the mean of `values` (n,)."""

    def mean(counts: np.ndarray) -> np.ndarray:
        return np.asarray(counts @ values / np.maximum(counts.sum(axis=1, dtype=np.int64), 1))

    return Statistic(measure, mean, float(len(values)))


def explained(told: np.ndarray, values: np.ndarray) -> Statistic:
    """Return the share of the variance of `values` (n,) that `told` (n,) explains, of each resample about its own mean."""
    centred = values - values.mean()
    columns = np.stack([np.ones_like(centred), centred, centred**2, (told - values) ** 2], axis=1)

    def r2(counts: np.ndarray) -> np.ndarray:
        size, total, square, error = (counts @ columns).T
        variance = square - total**2 / np.maximum(size, 1)
        return np.asarray(1 - np.divide(error, variance, out=np.full(len(error), np.nan), where=variance > 1e-12 * square))

    return Statistic(R2, r2, float(len(values)))


def statistics(questions: Sequence[Question], scores: Sequence[np.ndarray], rows: Sequence[np.ndarray]) -> dict[str, Statistic]:
    """Return by measure how well the questions were answered by `scores` (m, k), each for its `rows` of the test cases, numbered from 0;
    of several questions the mean."""
    found: dict[str, list[tuple[Statistic, np.ndarray]]] = {}
    for question, score, mine in zip(questions, scores, rows, strict=True):
        for one in _of_question(question, score):
            found.setdefault(one.measure.name, []).append((one, mine))
    return {name: _mean(parts) for name, parts in found.items()}


def _of_question(question: Question, score: np.ndarray) -> list[Statistic]:
    """`question` holds the test rows alone, with an answer each."""
    if not question.classes:
        return [explained(score[:, 0], question.values)]
    codes = question.values.astype(np.int64)
    present = [c for c in range(len(question.classes)) if 0 < (codes == c).sum() < len(codes)]
    present = present[-1:] if len(question.classes) == 2 else present
    every = np.arange(len(codes))
    areas = [(ranked(score[:, c] - (score[:, 0] if len(question.classes) == 2 else 0.0), codes == c), every) for c in present]
    hits = share(ACCURACY, (score.argmax(axis=1) == codes).astype(float))
    return [_mean(areas), hits] if areas else [hits]


def _mean(parts: Sequence[tuple[Statistic, np.ndarray]]) -> Statistic:
    """Return the mean of statistics, each of its own cases; NaN where one has no value. The fewest cases carry it."""
    if len(parts) == 1 and np.array_equal(parts[0][1], np.arange(len(parts[0][1]))):
        return parts[0][0]

    def mean(counts: np.ndarray) -> np.ndarray:
        return np.asarray(np.mean([one.of(np.ascontiguousarray(counts[:, mine])) for one, mine in parts], axis=0))

    carried = min(one.carried or 0.0 for one, _ in parts)
    return Statistic(parts[0][0].measure, mean, carried)


def said(value: Value, *, sign: str = "") -> str:
    """Return a value with its interval as it stands in a sentence of any language."""
    told = f"{value.value:{sign}.3f}"
    return told if value.low is None else f"{told} [95%: {value.low:{sign}.3f}, {value.high:{sign}.3f}]"
