"""Any figure with its interval: the same that the scores of a task get."""

import numpy as np
import pytest

from osler.core.measure import Measure
from osler.core.state import State
from osler.core.target import Target
from osler.spine.evaluate import evaluate
from osler.spine.evaluate.interval import wilson
from osler.spine.evaluate.statistic import Statistic, found
from osler.tasks.regression import Regression

MEAN = Measure("mean", "higher")


def mean_of(values):
    return Statistic(MEAN, lambda counts: counts @ values / counts.sum(axis=1))


def test_an_interval_is_that_of_the_same_measure_of_a_task():
    generator = np.random.default_rng(0)
    truth, groups = generator.normal(size=300), np.arange(300) // 3
    told = truth + generator.normal(size=300)
    target = Target(truth[:, None], np.ones((300, 1), bool), {"kind": "regression", "names": ["y"]})
    scores = evaluate(
        Regression(), {"test": told[:, None]}, target, states={"test": State()}, groups=groups, plan={}, seed=3, resamples=500
    )
    error = np.abs(told - truth)
    mine = Statistic(Measure("mae", "lower", "log"), lambda counts: counts @ error / counts.sum(axis=1))
    value = found({"mae": mine}, cases=300, groups=groups, seed=3, resamples=500).values["mae"]
    other = scores.test["mae"]
    assert (value.value, value.low, value.high) == pytest.approx((other.value, other.low, other.high))


def test_a_difference_is_paired():
    generator = np.random.default_rng(0)
    base = generator.normal(size=200)
    told = found({"one": mean_of(base + 0.1), "other": mean_of(base)}, cases=200, groups=None, seed=0)
    difference = told.difference("one", "other")
    assert difference.value == pytest.approx(0.1)
    assert told.values["one"].high - told.values["one"].low > 0.2
    assert difference.low is None or difference.high - difference.low < 1e-6


def test_groups_are_what_is_drawn_and_few_have_none():
    values = np.repeat(np.random.default_rng(0).normal(size=40), 5)
    alone = found({"m": mean_of(values)}, cases=200, groups=None, seed=0)
    grouped = found({"m": mean_of(values)}, cases=200, groups=np.repeat(np.arange(40), 5), seed=0)
    widths = [told.values["m"].high - told.values["m"].low for told in (alone, grouped)]
    assert widths[1] > 1.8 * widths[0]
    assert "leaving out each group" in grouped.notes[-1]
    assert "No group column" in alone.notes[1]
    few = found({"m": mean_of(values)}, cases=200, groups=np.repeat(np.arange(4), 50), seed=0)
    assert few.values["m"].low is None
    assert "4 groups are too few" in few.values["m"].note


def test_a_share_of_single_cases_has_wilsons_interval():
    hits = (np.arange(100) < 30).astype(float)
    share = Statistic(
        Measure("share", "higher", "logit", proportion=True), lambda counts: counts @ hits / counts.sum(axis=1), 100.0
    )
    value = found({"s": share}, cases=100, groups=None, seed=0).values["s"]
    assert (value.low, value.high) == wilson(0.3, 100)
