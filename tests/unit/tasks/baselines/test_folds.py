"""Folds keep groups whole and strata even."""

from __future__ import annotations

import numpy as np
import pytest

from osler.tasks.baselines.folds import folds_of, spread_rows, strata


def test_groups_stay_whole_and_strata_even():
    draw = np.random.default_rng(0)
    groups = draw.integers(0, 200, 700)
    outcome = (groups % 7 == 0).astype(int)
    fold = folds_of(groups, outcome, count=5, seed=3)
    assert all(len(np.unique(fold[groups == g])) == 1 for g in np.unique(groups))
    events = [len(np.unique(groups[(fold == f) & (outcome == 1)])) for f in range(5)]
    assert max(events) - min(events) <= 1


def test_folds_are_the_same_for_the_same_seed_alone():
    groups, stratum = np.arange(50), np.arange(50) % 2
    first = folds_of(groups, stratum, count=5, seed=1)
    assert np.array_equal(first, folds_of(groups, stratum, count=5, seed=1))
    assert not np.array_equal(first, folds_of(groups, stratum, count=5, seed=2))


@pytest.mark.parametrize("most", [10, 37, 1000])
def test_a_sample_keeps_the_shares_of_strata(most):
    stratum = np.repeat([0, 1], [900, 100])
    rows = spread_rows(stratum, most=most, seed=0)
    assert len(rows) == min(most, 1000)
    assert np.array_equal(rows, np.unique(rows))
    assert stratum[rows].mean() == pytest.approx(0.1, abs=0.1 / most + 0.02)


def test_numbers_are_binned_into_equal_shares():
    assert np.bincount(strata("regression", np.arange(100.0))).tolist() == [10] * 10
    assert strata("binary", np.array([0.0, 1.0])).tolist() == [0, 1]
