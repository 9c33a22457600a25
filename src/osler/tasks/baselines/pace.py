"""How long the baseline would take: a few rounds and products on some of its cases are timed, the rest is counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from osler.core.features import Features
from osler.core.pace import Pace
from osler.core.target import Target
from osler.tasks.baselines.boosting import broad, configurations, heavy, train
from osler.tasks.baselines.linear import NEWTON_WIDTH, PENALTIES

TIMED = 10  # rounds, after one that also builds the histograms
ROUNDS_SEEN = 700  # rounds until one more helps no longer, patience included (measured 420 to 1,100 on 47,000 promoters)
EVALUATIONS, HESSIANS = (
    250,
    6,
)  # of one fit of the path, of L-BFGS (130 measured, of matrices that no cache holds) and of Newton's method
FINAL_STEPS = 3  # of the path that the last fit walks


def pace_of(features: Features, target: Target, *, kind: str, cases: int, plan: Mapping[str, Any], seed: int) -> Pace:
    """Return the pace of the baseline of `cases` with features and target like these, of which some lines are given.

    What is timed is the cost of a round and of a product per case. Both grow with the cases; what does not (thresholds looked at
    in each round) makes the answer too high rather than too low.
    """
    rows = np.flatnonzero(target.told[:, 0])
    matrix = np.ascontiguousarray(features.matrix[rows], np.float32)
    width = len(target.info["classes"][0]) if kind == "multiclass" else 1
    size = (cases, matrix.shape[1])
    values = target.values[rows, 0]
    inner = "binary" if kind == "multilabel" else kind
    setting = configurations(size[0], columns=size[1], effort=1)[0]
    own = {**setting, "categorical": np.flatnonzero(features.categorical).tolist(), "seed": seed % 2**31,
           "num_threads": int(plan.get("fit.threads", 1))}  # fmt: skip

    def trees(rounds: int) -> None:
        train(inner, matrix, values, width=width, weight=np.ones(len(values)), settings=own, rounds=rounds)

    built = _seconds(lambda: trees(1))
    each = max(0.0, _seconds(lambda: trees(1 + TIMED)) - built) / TIMED
    folds = 3 if heavy(*size) else 5
    forms = 1 if heavy(*size) else 2 if broad(*size) else 3
    boosted = (built + ROUNDS_SEEN * each) / len(rows)
    with threadpool_limits(int(plan.get("fit.threads", 1)), "blas"):
        fitted = _fit_seconds(matrix) * width / len(rows)
    penalties = len(PENALTIES[::2] if broad(*size) else PENALTIES)
    return Pace((folds - 1) * boosted, (folds - 1) * forms * penalties * fitted, boosted + FINAL_STEPS * fitted)


def _fit_seconds(matrix: np.ndarray) -> float:
    """Return the seconds of one linear fit of `matrix` (m, f), without its design."""
    full = np.nan_to_num(matrix.astype(np.float64))
    if full.shape[1] <= NEWTON_WIDTH:
        return HESSIANS * _seconds(lambda: full.T @ full)
    at = np.zeros(full.shape[1])
    return EVALUATIONS * _seconds(lambda: full.T @ (full @ at))


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
