"""Several draws of a size as one, and cases drawn by class."""

import numpy as np
import pytest
import scipy.stats

from osler.core.scores import Value
from osler.generation.synthesis.draws import over, together
from osler.generation.synthesis.experiment import ARMS, COMPARED, Size, rated, subset
from osler.generation.synthesis.making import drawn_classes
from osler.generation.synthesis.readers import Pictures, mixture


def size(shift):
    arms = {arm: Value(0.8 + 0.01 * at + shift) for at, arm in enumerate(ARMS)}
    return Size(100, arms, {pair: Value(arms[pair[0]].value - arms[pair[1]].value + shift) for pair in COMPARED}, 1.0)


def test_the_interval_over_draws_is_that_of_a_t_test():
    values = np.random.default_rng(0).normal(0.9, 0.02, 12)
    told = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (over(values).low, over(values).high) == pytest.approx((told.low, told.high))


def test_two_draws_have_no_interval():
    found = over([0.7, 0.9])
    assert found.low is None
    assert found.note == "2 draws: 0.7 to 0.9"


def test_differences_are_paired_by_draw():
    whole = together([size(shift) for shift in (-0.02, 0.0, 0.02)])
    assert (whole.cases, whole.draws) == (100, 3)
    assert whole.arms["real"].value == pytest.approx(0.8)
    first, second = COMPARED[0]
    half = 4.302652729911275 * 0.02 / 3**0.5
    found = whole.differences[first, second]
    assert found.high - found.value == pytest.approx(half)
    assert found.value == pytest.approx(0.01 * (ARMS.index(first) - ARMS.index(second)))


def test_one_draw_keeps_its_intervals():
    one = size(0.0)
    assert together([one]).arms is one.arms


def test_a_subset_keeps_the_shares_of_classes_and_differs_by_seed():
    real = Pictures(np.arange(1000.0)[:, None, None, None], np.repeat([0, 1, 2], [700, 299, 1]))
    one, other, again = (subset(real, 100, seed=seed) for seed in (0, 1, 0))
    assert np.bincount(one.classes).tolist() == [70, 30, 1]
    assert (one.pixels == again.pixels).all()
    assert (one.pixels != other.pixels).any()


def test_real_and_made_are_as_frequent_in_a_mixture():
    real, made = (Pictures(np.full((n, 1, 2, 2), v), np.zeros(n, np.int64)) for n, v in ((10, 1.0), (50, 2.0)))
    both, rows = mixture(real, made)
    assert both.pixels[rows].mean() == pytest.approx(1.5)
    assert mixture(real, None)[1].tolist() == list(range(10))


def test_classes_are_drawn_by_share():
    found = drawn_classes(10, shares=np.array([0.62, 0.38]), seed=3)
    assert np.bincount(found).tolist() == [6, 4]
    assert (found == drawn_classes(10, shares=np.array([0.62, 0.38]), seed=3)).all()
    assert (found != drawn_classes(10, shares=np.array([0.62, 0.38]), seed=4)).any()


def test_areas_agree_with_scikit_learn():
    from sklearn.metrics import roc_auc_score

    draws = np.random.default_rng(1)
    classes = draws.integers(0, 3, 80)
    chances = draws.dirichlet(np.ones(3), 80) + 0.3 * np.eye(3)[classes]
    found = rated({"real": chances}, classes, groups=None, seed=0).values["real"]
    told = np.mean([roc_auc_score(classes == c, chances[:, c]) for c in range(3)])
    assert found.value == pytest.approx(told)
    two = rated({"real": chances[:, :2]}, (classes > 0).astype(int), groups=None, seed=0).values["real"]
    assert two.value == pytest.approx(roc_auc_score(classes > 0, chances[:, 1]))
