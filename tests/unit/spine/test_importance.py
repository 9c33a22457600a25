"""What is lost without a feature: nothing without an unused one, most without the strongest, and how sure that is."""

import numpy as np
import pytest

from osler.core.state import State
from osler.core.target import Target
from osler.spine.evaluate import importance
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

INFO = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
TASK = Classification()


def statistics(logit, truth, info=INFO, task=TASK):
    target = Target(truth[:, None].astype(float), np.ones((len(truth), 1), bool), info)
    return task.statistics(logit[:, None], target, state=State(), plan={})


def drawn(n=300, seed=0):
    draw = np.random.default_rng(seed)
    first, second = draw.normal(size=(2, n))
    truth = draw.random(n) < 1 / (1 + np.exp(-3 * first - second))
    return draw, first, second, truth


def lost(exchange, found, *, first, second, truth, draw, repeats=5):
    turns = [draw.permutation(len(truth)) for _ in range(repeats)]
    one = {
        "first": lambda t: 3 * first[t] + second,
        "second": lambda t: 3 * first + second[t],
        "none": lambda _: 3 * first + second,
    }
    return importance.drop(found, [statistics(one[exchange](t), truth) for t in turns])


@pytest.mark.parametrize("groups", [None, np.arange(300) // 3])
def test_the_strongest_is_missed_most_and_an_unused_one_not_at_all(groups):
    draw, first, second, truth = drawn()
    found = importance.whole(TASK, statistics(3 * first + second, truth), info=INFO, groups=groups, seed=0)
    more, less, none = (
        lost(name, found, first=first, second=second, truth=truth, draw=draw) for name in ("first", "second", "none")
    )
    assert found.measure.name == "auroc"
    assert more.value > less.value > 0
    assert more.low > less.value
    assert (none.value, none.low) == (0.0, None)
    assert "same value" in none.note


def test_a_loss_of_an_error_is_positive():
    draw, first, second, _ = drawn()
    info, task = {"kind": "regression", "names": ["y"]}, Regression()
    truth = 2 * first + 0.1 * second
    found = importance.whole(task, statistics(2 * first, truth, info, task), info=info, groups=None, seed=0)
    lost_ = importance.drop(found, [statistics(2 * first[draw.permutation(300)], truth, info, task) for _ in range(3)])
    assert found.measure.better == "lower"
    assert lost_.low > 1


def test_intervals_cover_the_loss_of_many_cases():
    """200 samples of 150 cases against the loss in 200,000; 95% intervals: 190 of 200 wanted, 180 is 3 standard errors off."""
    draw, first, second, truth = drawn(200_000, seed=9)
    truthful = importance.whole(TASK, statistics(3 * first + second, truth), info=INFO, groups=None, seed=0, resamples=2)
    known = lost("second", truthful, first=first, second=second, truth=truth, draw=draw, repeats=2).value
    hits = 0
    for seed in range(200):
        draw, first, second, truth = drawn(150, seed=seed)
        found = importance.whole(TASK, statistics(3 * first + second, truth), info=INFO, groups=None, seed=seed, resamples=60)
        value = lost("second", found, first=first, second=second, truth=truth, draw=draw)
        hits += value.low <= known <= value.high
    assert 180 <= hits <= 199


def test_few_groups_and_one_class_have_no_interval():
    draw, first, second, truth = drawn(60)
    found = importance.whole(TASK, statistics(first, truth), info=INFO, groups=np.arange(60) % 4, seed=0)
    value = lost("first", found, first=first, second=second, truth=truth, draw=draw)
    assert value.low is None
    assert "too few" in value.note
    found = importance.whole(TASK, statistics(first, truth | True), info=INFO, groups=None, seed=0)
    value = importance.drop(found, [statistics(first, truth | True)])
    assert np.isnan(value.value)
    assert "one class only" in value.note
