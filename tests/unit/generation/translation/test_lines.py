"""Measures of cases pooled by patient, with intervals over patients."""

import numpy as np
import pytest
from scipy import stats

from osler.core.measure import Measure
from osler.core.scores import Value
from osler.generation.translation.consistency import step, steps
from osler.generation.translation.lines import MEASURES, Table, by_group, line, valued, word

PLAIN = Measure("mae", "lower")


def test_a_patient_with_many_slices_weighs_as_one_with_few():
    lines, groups = np.array([[1.0], [1.0], [1.0], [5.0]]), np.array([7, 7, 7, 3])
    assert by_group(lines, groups).tolist() == [[5.0], [1.0]]


def test_the_interval_of_few_patients_is_students():
    each = np.random.default_rng(1).normal(10, 2, 14)
    found = valued(PLAIN, each, seed=0)
    low, high = stats.t.interval(0.95, 13, each.mean(), each.std(ddof=1) / np.sqrt(14))
    assert (found.value, found.low, found.high) == pytest.approx((each.mean(), low, high), rel=1e-9)


def test_under_ten_patients_there_is_a_value_and_no_interval():
    found = valued(PLAIN, np.arange(9.0), seed=0)
    assert found.value == 4
    assert found.low is None
    assert "9 groups are too few" in found.note


def test_a_difference_is_paired():
    draws = np.random.default_rng(0)
    hard = draws.normal(20, 5, 12)  # patients differ far more than systems
    lines = {"network": np.stack([hard - 1, hard / 100, hard], 1), "identity": np.stack([hard, hard / 100 - 0.01, hard], 1)}
    table = Table(lines, np.arange(12))
    lines["network"][:, 0] += draws.normal(0, 0.1, 12)
    found = table.differences("network", "identity", seed=0)
    assert found["mae"].high < -0.8
    assert word(MEASURES[0], found["mae"]) == "better", "an error that is lower"
    assert table.values("network", seed=0)["mae"].high > table.values("identity", seed=0)["mae"].low


def test_words():
    lower, higher = MEASURES[0], MEASURES[1]
    assert word(lower, Value(-1, -2, -0.5)) == word(higher, Value(1, 0.5, 2)) == "better"
    assert word(lower, Value(1, 0.5, 2)) == "worse"
    assert word(lower, Value(0.1, -0.5, 2)) == word(lower, Value(1.0)) == "no difference shown"


def test_only_the_inside_is_measured():
    truth = np.zeros((1, 24, 24))
    body = np.zeros((24, 24), bool)
    body[8:16, 8:16] = True
    found = truth.copy()
    found[0, 0, 0] = 1000
    assert line(found, truth, body, span=100)[0] == 0
    found[:, body] += 3
    mae, _, psnr = line(found, truth, body, span=100)
    assert mae == pytest.approx(3)
    assert psnr == pytest.approx(20 * np.log10(100 / 3))


def test_slices_that_flicker_are_noticed():
    smooth = np.linspace(0, 1, 20).reshape(1, 1, 1, 20) * np.ones((1, 4, 4, 1))
    body = np.ones((4, 4, 20), bool)
    assert step(smooth, body) == pytest.approx(1 / 19)
    assert steps(smooth, smooth, body) == pytest.approx((1, 0))
    flicker = smooth + 0.1 * (np.arange(20) % 2)
    assert steps(flicker, smooth, body)[0] > 1.5
    assert np.isnan(step(smooth, np.zeros_like(body)))
