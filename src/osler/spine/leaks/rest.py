"""What the columns that are not suspected reach together, and whether a suspect is clearly above it.

A column that is nearly perfect is a leak only if the others are not: petal length tells one species of iris from the others
without an error, but so do the sepals, nearly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from osler.spine.leaks.alone import Question
from osler.spine.leaks.binned import FOLDS

LESS = 0.25  # of what the others leave: a leak leaves no more
RISK = 1e-3  # of calling a column better by chance, shared by the suspects
TREES_FROM = 200  # cases

Model = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # features, outcomes, new features → answers


@dataclass(frozen=True, slots=True)
class Answers:
    """Out-of-fold answers (k, m) of a model, as `Question.values`."""

    values: np.ndarray

    def wrong(self, asked: Question) -> np.ndarray:
        """Return per case (m,) whether the answer is wrong, or the square of its error."""
        if not asked.classes:
            return np.asarray((self.values[0] - asked.values[0]) ** 2)
        if asked.classes == 2:
            return _best_cut(self.values[0], asked.values[0])
        return np.asarray(self.values.argmax(axis=0) != asked.values.argmax(axis=0)).astype(float)

    def left(self, asked: Question) -> float:
        """Return the share of `asked.blind` that is left."""
        return float(self.wrong(asked).sum() / max(asked.blind, 1e-12))


def answered(features: np.ndarray, asked: Question) -> Answers:
    """Return the better of ridge regression and boosted trees on `features` (m, p), NaN where missing, each out of fold."""
    if not features.shape[1]:
        return Answers(np.broadcast_to(asked.values.mean(axis=1, keepdims=True), asked.values.shape))
    tried = [_out_of_fold(_ridge, features, asked)]
    if len(features) >= TREES_FROM:
        tried.append(_out_of_fold(_trees, features, asked))
    return min(tried, key=lambda a: a.left(asked))


def clearly_above(alone: Answers, rest: Answers, asked: Question, *, suspects: int) -> bool:
    """Return whether `alone` leaves at most a quarter of what `rest` leaves, and that is no chance.

    Cases are paired: of classes by McNemar's exact test (1947), of numbers by the z of the differences of squared errors.
    """
    own, others = alone.wrong(asked), rest.wrong(asked)
    if own.sum() > LESS * others.sum():
        return False
    if asked.classes:
        worse, better = float(((own > 0) & (others == 0)).sum()), float(((own == 0) & (others > 0)).sum())
        return _sign_test(better, worse) <= RISK / suspects
    difference = others - own
    error = float(difference.std(ddof=1)) / math.sqrt(len(difference))
    return bool(error > 0 and difference.mean() / error > 4)


def _sign_test(better: float, worse: float) -> float:
    """Return the one-sided chance of so many `better` among both, if each were as likely."""
    from scipy.stats import binom

    return float(binom.sf(better - 1, better + worse, 0.5)) if better else 1.0


def _best_cut(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    order = np.argsort(scores, kind="stable")
    ordered, below = scores[order], np.concatenate([[0.0], truth[order].cumsum()])
    places = np.arange(len(scores) + 1)
    wrong = below + (len(scores) - places) - (below[-1] - below)
    wrong[1:-1][ordered[1:] == ordered[:-1]] = np.inf
    at = int(wrong.argmin())
    said = np.zeros(len(scores))
    said[order[at:]] = 1
    return np.asarray(np.abs(said - truth))


def _out_of_fold(model: Model, features: np.ndarray, asked: Question) -> Answers:
    values = np.empty_like(asked.values, float)
    for fold in range(FOLDS):
        held = asked.fold == fold
        if held.any() and not held.all():
            values[:, held] = model(features[~held], asked.values[:, ~held], features[held])
        else:
            values[:, held] = asked.values.mean(axis=1, keepdims=True)
    return Answers(values)


def _ridge(features: np.ndarray, truth: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return (k, new) of ridge regression on standardised features; its penalty is that of one case in ten."""
    mean, sd = (np.nan_to_num(f(features, axis=0)) for f in (_mean, _sd))
    sd = np.where(sd > 0, sd, 1.0)
    known, asked = (np.clip(np.nan_to_num((x - mean) / sd), -5, 5) for x in (features, new))
    centre = truth.mean(axis=1, keepdims=True)
    kernel = known @ known.T if len(known) < known.shape[1] else None
    penalty = 0.1 * max(1.0, min(known.shape) ** 0.5) * max(1.0, known.shape[1] / 10)
    if kernel is not None:
        weights = known.T @ np.linalg.solve(kernel + penalty * np.eye(len(known)), (truth - centre).T)
    else:
        weights = np.linalg.solve(known.T @ known + penalty * np.eye(known.shape[1]), known.T @ (truth - centre).T)
    return np.asarray(centre + (asked @ weights).T)


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    there = ~np.isnan(values)
    return np.asarray(np.where(there, values, 0).sum(axis=axis) / np.maximum(there.sum(axis=axis), 1))


def _sd(values: np.ndarray, axis: int) -> np.ndarray:
    away = np.nan_to_num(values - _mean(values, axis))
    return np.asarray(np.sqrt((away**2).sum(axis=axis) / np.maximum((~np.isnan(values)).sum(axis=axis), 1)))


def _trees(features: np.ndarray, truth: np.ndarray, new: np.ndarray) -> np.ndarray:
    import lightgbm

    settings = {"verbosity": -1, "num_leaves": 15, "min_data_in_leaf": 5, "learning_rate": 0.1, "num_threads": 1, "seed": 0,
                "deterministic": True, "feature_fraction": 0.7, "max_bin": 127}  # fmt: skip
    objective = "binary" if set(np.unique(truth)) <= {0.0, 1.0} else "regression"
    data = lightgbm.Dataset(features, free_raw_data=False, params=settings)
    parts = []
    for values in truth:
        data.set_label(values)
        model = lightgbm.train({**settings, "objective": objective}, data, num_boost_round=100)
        parts.append(model.predict(new))
    return np.stack(parts)
