"""The time of the baseline is foreseen from a few of its cases."""

from __future__ import annotations

import time

import numpy as np
import pytest

from osler.core.features import Features
from osler.core.target import Target
from osler.tasks.baselines import fit_baseline, pace_of

PLAN = {"fit.threads": 1, "baseline.effort": 1, "target.mean": [0.0], "target.scale": [1.0]}


def problem(cases: int, columns: int, *, kind: str) -> tuple[Features, Target]:
    draws = np.random.default_rng(0)
    matrix = draws.standard_normal((cases, columns)).astype(np.float32)
    raw = matrix[:, :5].sum(1) + draws.standard_normal(cases)
    values = raw if kind == "regression" else (raw > 0).astype(float)
    info = {"kind": kind, "classes": [["no", "yes"]]}
    names = tuple(f"x{i}" for i in range(columns))
    return (Features(matrix, np.arange(cases), names, np.zeros(columns, bool)),
            Target(values[:, None], np.ones((cases, 1), bool), info))  # fmt: skip


def take(features: Features, rows: np.ndarray) -> Features:
    return Features(features.matrix[rows], rows, features.names, features.categorical)


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_more_columns_take_longer(kind):
    few, many = (pace_of(*problem(3000, c, kind=kind), kind=kind, cases=40_000, plan=PLAN, seed=0) for c in (20, 600))
    assert few.linear < many.linear
    assert many.tuning(1000, effort=2) == pytest.approx(1000 * (many.linear + 2 * many.setting))
    assert min(few.setting, few.last, many.setting, many.last) > 0


@pytest.mark.slow
def test_the_time_foreseen_is_that_of_the_fit_within_a_factor_of_four():
    features, target = problem(12_000, 450, kind="binary")
    pace = pace_of(take(features, np.arange(4000)), target.take(np.arange(4000)), kind="binary", cases=12_000, plan=PLAN, seed=0)
    began = time.perf_counter()
    fit_baseline(features, target, kind="binary", groups=np.arange(12_000), plan=PLAN, seed=0)
    took = time.perf_counter() - began
    assert 0.25 < took / (pace.tuning(12_000, effort=1) + 12_000 * pace.last) < 4
