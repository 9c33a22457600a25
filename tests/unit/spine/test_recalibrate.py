"""Recalibration on new cases: what is chosen, how often by mistake, and what it is worth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, softmax

from osler.core.errors import StudyError
from osler.core.state import State
from osler.core.target import Target
from osler.core.update import Update
from osler.spine.recalibrate import Output, choose, crossfitted, recalibrated
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

BINARY = {"kind": "binary", "names": ["y"], "classes": [["a", "b"]], "positive": "b"}
PLAN = {"target.threshold": "balanced"}


def draws(seed):
    return np.random.default_rng(seed)


def binary(seed, cases, *, slope=1.0, shift=0.0):
    """Raw outputs that are honest but for `slope` and `shift`, settled by a state of their own."""
    generator = draws(seed)
    logit = generator.normal(-0.5, 1.5, cases)
    truth = generator.random(cases) < expit(slope * logit + shift)
    state = State({"slope": np.array([2.0]), "intercept": np.array([0.3]), "threshold": np.array([0.5])})
    raw = (logit - 0.3) / 2.0
    return raw[:, None], Target(truth[:, None].astype(float), np.ones((cases, 1), bool), BINARY), state


def chosen(task, raw, target, state, *, groups=None, plan=PLAN, more=None):
    raws = {"test": raw, **(more or {})}
    output = Output(dict.fromkeys(raws, state), 0.5)
    groups = np.arange(len(target)) if groups is None else groups
    return recalibrated(task, raws, target, output=output, groups=groups, plan=plan, seed=0)


@pytest.mark.parametrize(
    ("slope", "shift", "name"), [(1.0, 0.0, "none"), (1.0, 1.0, "intercept"), (0.4, 0.5, "slope"), (0.5, 0.0, "slope")]
)
def test_what_was_done_to_the_outputs_is_found_and_undone(slope, shift, name):
    raw, target, state = binary(1, 4000, slope=slope, shift=shift)
    output, choices = chosen(Classification(), raw, target, state)
    assert choices["test"].update.name == name
    fixed = output.states["test"].arrays
    logit = 2 * raw[:, 0] + 0.3
    found = fixed["slope"] * raw[:, 0] + fixed["intercept"]
    np.testing.assert_allclose(found, slope * logit + shift, atol=0.35)
    if name == "none":
        assert output.states["test"] is state
    else:
        assert fixed["threshold"] != 0.5  # the balanced threshold is settled anew


def test_sound_outputs_are_changed_by_mistake_in_about_one_of_twenty():
    wrong = sum(chosen(Classification(), *binary(seed, 400))[1]["test"].update.name != "none" for seed in range(300))
    assert 4 <= wrong <= 27  # 5% of 300 is 15; the binomial 99.9% range


@pytest.mark.parametrize(("cases", "tried"), [(25, {"none"}), (60, {"none", "intercept"}), (150, {"none", "intercept", "slope"})])
def test_the_cases_of_the_rarer_class_decide_what_may_be_tried(cases, tried):
    raw, target, state = binary(3, cases, shift=-1.0)
    events = int(min(target.values.sum(), cases - target.values.sum()))
    ladder = Classification().updates(raw, target, state=state, plan={}).ladder
    assert {update.name for update in ladder} == tried, events


def test_the_test_statistic_is_that_of_an_unpenalised_logistic_regression():
    raw, target, state = binary(5, 3000, slope=0.7, shift=0.4)
    logit, truth = 2 * raw[:, 0] + 0.3, target.values[:, 0]

    def deviance(b):
        return 2 * np.logaddexp(0, np.where(truth > 0, -1, 1) * (b[0] * logit + b[1])).sum()

    best = minimize(deviance, [1.0, 0.0], method="BFGS", options={"gtol": 1e-8})
    ladder = Classification().updates(raw, target, state=state, plan={}).ladder
    assert ladder[0].deviance == pytest.approx(deviance([1.0, 0.0]))
    assert ladder[2].deviance == pytest.approx(best.fun, rel=1e-6)
    arrays = ladder[2].arrays
    assert (arrays["slope"][0], arrays["intercept"][0]) == pytest.approx((2 * best.x[0], 0.3 * best.x[0] + best.x[1]), rel=2e-3)


def test_closed_testing_takes_the_smallest_that_is_not_shown_to_be_worse():
    ladder = [Update("none", 0, 120.0), Update("intercept", 1, 101.0), Update("slope", 2, 100.0)]
    found = choose(ladder, "87 cases of the rarer class among 300")
    assert found.update.name == "intercept"
    assert [test["against"] for test in found.tests] == ["none", "intercept"]
    assert found.tests[0]["p"] == pytest.approx(np.exp(-10))  # the tail of chi-squared with two degrees of freedom
    assert found.why == (
        "the intercept; 87 cases of the rarer class among 300; more (intercept and slope) is not shown to be better"
        " (closed testing, p = 0.32)"
    )
    assert choose(ladder[:1], "3 cases").why == "no change; 3 cases; too few to change anything"


def test_cases_of_one_group_count_as_one():
    raw, target, state = binary(7, 120, shift=0.8)
    tenfold = np.repeat(np.arange(120), 10)
    copies = Target(target.values[tenfold], target.observed[tenfold], BINARY)
    alone = chosen(Classification(), raw, target, state)[1]["test"]
    grouped = chosen(Classification(), raw[tenfold], copies, state, groups=tenfold)[1]["test"]
    assert grouped.tests[0]["statistic"] == pytest.approx(alone.tests[0]["statistic"], rel=0.1)


def test_the_share_of_the_better_member_grows():
    raw, target, state = binary(11, 3000)
    noise = draws(0).normal(0, 1.0, raw.shape)
    more = {"network": raw + noise, "baseline": raw}
    blend = 0.5 * more["network"] + 0.5 * more["baseline"]
    output, choices = chosen(Classification(), blend, target, state, more=more)
    assert choices["test"].update.name == "blend"
    assert output.network <= 0.1
    assert choices["test"].update.blend == output.network


def test_several_classes_and_labels_are_recalibrated():
    generator = draws(13)
    logits = generator.normal(0, 1.5, (3000, 3))
    truth = np.array([generator.choice(3, p=p) for p in softmax(logits + np.array([1.0, 0.0, -1.0]), axis=1)])
    info = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b", "c"]]}
    target = Target(truth[:, None].astype(float), np.ones((3000, 1), bool), info)
    output, choices = chosen(Classification(), logits, target, State())
    assert choices["test"].update.name == "intercept"
    assert output.states["test"].arrays["intercept"] == pytest.approx([1, 0, -1], abs=0.2)
    labels = {"kind": "multilabel", "names": ["u", "v"], "classes": [["0", "1"]] * 2, "positive": ["1", "1"]}
    values = (generator.random((3000, 2)) < expit(logits[:, :2] + np.array([0.0, 1.5]))).astype(float)
    observed = generator.random((3000, 2)) < 0.9
    target = Target(np.where(observed, values, np.nan), observed, labels)
    output, choices = chosen(Classification(), logits[:, :2], target, State())
    assert choices["test"].update.name == "intercept"
    assert output.states["test"].arrays["intercept"] == pytest.approx([0, 1.5], abs=0.2)


def test_numbers_are_shifted_and_stretched():
    generator = draws(17)
    raw = generator.normal(size=(600, 2))
    plan = {"target.mean": [10.0, 0.0], "target.scale": [2.0, 1.0]}
    values = np.stack([10 + 2 * (raw[:, 0] + 0.5), 0.6 * raw[:, 1]], axis=1) + 0.3 * generator.normal(size=(600, 2))
    observed = generator.random((600, 2)) < 0.9
    target = Target(np.where(observed, values, np.nan), observed, {"kind": "regression", "names": ["a", "b"]})
    output, choices = chosen(Regression(), raw, target, State(), plan=plan)
    assert choices["test"].update.name == "slope"
    fixed = output.states["test"].arrays
    assert fixed["slope"] == pytest.approx([1.0, 0.6], abs=0.05)
    assert fixed["intercept"] == pytest.approx([0.5, 0.0], abs=0.05)
    assert fixed["residual"] == pytest.approx([0.3, 0.3], rel=0.1)


@pytest.mark.parametrize("what", ["one class", "equal outputs", "nothing observed"])
def test_cases_that_teach_nothing_change_nothing(what):
    raw, target, state = binary(19, 200)
    values, observed = target.values.copy(), target.observed.copy()
    if what == "one class":
        values[:] = 1.0
    if what == "equal outputs":
        raw, values[::2], values[1::2] = np.zeros_like(raw), 0.0, 1.0
        state = State()
    if what == "nothing observed":
        values[:], observed[:] = np.nan, False
    output, choices = chosen(Classification(), raw, Target(values, observed, BINARY), state)
    assert choices["test"].update.name == "none"
    assert output.states["test"] is state


def check(raw, target, state, groups):
    output = Output({"test": state}, 0.5)
    return crossfitted(Classification(), {"test": raw}, target, output=output, groups=groups, plan=PLAN, seed=0)


def test_each_case_is_scored_by_an_update_that_never_saw_its_group():
    raw, target, state = binary(23, 400, shift=1.0)
    groups = np.arange(400) // 4
    lines, parts = check(raw, target, state, groups)
    assert np.isfinite(lines["test"]).all()
    assert sorted(np.concatenate([held for held, _ in parts])) == list(range(400))
    assert len(parts) == 10
    held, used = parts[0]
    assert not set(groups[held]) & set(groups[np.setdiff1d(np.arange(400), held)])
    np.testing.assert_allclose(lines["test"][held, 1], used.arrays["slope"] * raw[held, 0] + used.arrays["intercept"])


def test_one_group_cannot_be_checked():
    raw, target, state = binary(29, 50)
    with pytest.raises(StudyError, match="all cases belong to one group"):
        check(raw, target, state, np.zeros(50, int))


def several(cases, *, slope, rare):
    """Iris as three classes, one of them rare: raw outputs of a linear model, made bolder by 1 / slope."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    features, kinds = load_iris(return_X_y=True)
    noisy = features + draws(1).normal(0, 0.8, features.shape)
    model = LogisticRegression(max_iter=1000).fit(noisy, kinds)
    rows = np.concatenate([np.flatnonzero(kinds == k)[:n] for k, n in enumerate((rare, cases // 2, cases // 2))])
    info = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b", "c"]]}
    raw = model.decision_function(noisy[rows]) / slope
    return raw, Target(kinds[rows, None].astype(float), np.ones((len(rows), 1), bool), info)


def test_a_rare_class_leaves_a_temperature():
    """With six cases of the rarest class no shift can be learned, but that all probabilities are too bold can."""
    raw, target = several(90, slope=0.15, rare=6)
    state = State({"slope": np.ones(1), "intercept": np.zeros(3)})
    output, choices = chosen(Classification(), raw, target, state)
    assert choices["test"].update.name == "temperature"
    assert choices["test"].why.startswith("one slope for all classes (temperature); 6 cases of the rarest class among 96")
    arrays = output.states["test"].arrays
    assert arrays["slope"][0] < 0.5
    np.testing.assert_array_equal(arrays["intercept"], np.zeros(3))

    def loss(slope):  # what scikit-learn would call the log loss, at its least
        logs = np.log(softmax(slope * raw, axis=1))
        return -logs[np.arange(len(raw)), target.values[:, 0].astype(int)].mean()

    best = minimize(lambda s: loss(s[0]), [1.0]).x[0]
    assert arrays["slope"][0] == pytest.approx(best, rel=0.15)  # drawn to one a little, by a penalty worth a case
    few, fewer = several(20, slope=0.15, rare=3)
    assert chosen(Classification(), few, fewer, state)[1]["test"].update.name == "none"
