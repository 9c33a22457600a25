"""Bounds among the values that a classical model learns: each is given a number before anything is tuned.

The one-sided squared error of a bound is the least squared error to any number beyond it. So a bound is taken as itself, or where a
model of other cases predicts beyond it, as that prediction, and the same again with the numbers so found (iterated imputation: a step
of majorise and minimise on the very loss that the network has). What follows, tuning and all, sees exact numbers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from osler.tasks.baselines.boosting import boosted_raw, train
from osler.tasks.baselines.folds import folds_of, strata

if TYPE_CHECKING:
    from osler.tasks.baselines.tuning import Problem

# With 8 turns numbers were hardly nearer to what 180 bounds of ESOL hide than with 4 (r .70 and .69; with 2 .65; docs/lab.md).
FOLDS, TURNS, ROUNDS = 3, 4, 100
FEWEST = 20  # cases, and half as many groups, under which bounds stay as they are
# few, large and coarse steps, as where settings are shared by many outcomes: it need not be the best model, only an unseen one
TREES = {"num_leaves": 8, "learning_rate": 0.1, "feature_fraction": 0.5, "lambda_l2": 5.0, "max_bin": 63, "min_data_in_leaf": 5}


def imputed(problem: Problem, side: np.ndarray) -> Problem:
    """Return the regression `problem` with exact values in place of its bounds, where `side` (m,) is not 0."""
    groups = len(np.unique(problem.groups))
    if not side.any() or len(problem.values) < FEWEST or groups < FEWEST // 2 or not problem.features.shape[1]:
        return problem
    bound, found = problem.values, problem
    fold = folds_of(problem.groups, strata("regression", bound), count=FOLDS, seed=problem.seed)
    for _ in range(TURNS):
        guess = _out_of_fold(found, fold)
        beyond = side * (guess - bound) > 0
        found = replace(problem, values=np.where((side != 0) & beyond, guess, bound))
    return found


def _out_of_fold(problem: Problem, fold: np.ndarray) -> np.ndarray:
    """Return (m,) what trees of the other folds predict of each."""
    settings = {**TREES, "categorical": np.flatnonzero(problem.categorical).tolist(), "seed": problem.seed % 2**31}
    settings |= {"num_threads": problem.threads}
    found = np.empty(len(problem.values))
    for part in np.unique(fold):
        inside = problem.take(np.flatnonzero(fold != part))
        booster, _ = train(
            "regression", inside.features, inside.values, width=1, weight=inside.weight, settings=settings, rounds=ROUNDS
        )
        outside = fold == part
        found[outside] = boosted_raw(booster, problem.features[outside], threads=problem.threads)[:, 0]
    return found
