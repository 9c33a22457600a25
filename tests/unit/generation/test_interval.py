"""Means over cases with an interval over groups."""

import numpy as np
import pytest

from osler.core.measure import Measure
from osler.generation.interval import mean_value

DRAWN = np.random.default_rng(0).normal(3.0, 1.0, 400)


def test_the_interval_of_a_mean_is_about_student_s():
    found = mean_value(DRAWN, groups=None, seed=0)
    half = 1.966 * DRAWN.std(ddof=1) / 20  # the quantile of Student's distribution with 399 degrees
    assert found.value == pytest.approx(DRAWN.mean())
    assert found.high - found.value == pytest.approx(half, rel=0.06)


def test_cases_of_one_group_tell_less_than_cases_of_many():
    groups = np.repeat(np.arange(100), 4)
    same = np.repeat(np.random.default_rng(1).normal(3.0, 1.0, 100), 4)
    wide, narrow = (mean_value(same, groups=g, seed=0) for g in (groups, None))
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(2.0, rel=0.1)


def test_few_groups_have_no_interval_and_unknown_values_count_nothing():
    groups = np.repeat(np.arange(5), 80)
    assert mean_value(DRAWN, groups=groups, seed=0).low is None
    assert mean_value(np.r_[DRAWN, np.nan], groups=None, seed=0).value == pytest.approx(DRAWN.mean())


def test_an_error_s_interval_is_formed_on_the_log_scale():
    found = mean_value(np.exp(DRAWN - 3), groups=None, seed=0, measure=Measure("e", better="lower", scale="log"))
    assert found.value / found.low == pytest.approx(found.high / found.value)
