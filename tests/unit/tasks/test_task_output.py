"""From raw outputs to probabilities, decisions and columns."""

import json

import numpy as np
import pytest
import torch
from scipy.special import expit

from osler.contract import TargetBatch
from osler.core.errors import OslerError
from osler.core.plan import Brief, Plan
from osler.core.state import State
from osler.core.target import Target
from osler.tasks.calibration import platt, surprise, temperature
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression
from osler.tasks.thresholds import balanced

BINARY = {"kind": "binary", "names": ["y"], "classes": [["case", "control"]], "positive": "case"}


def target_of(values, info):
    values = np.asarray(values, float)
    values = values[:, None] if values.ndim == 1 else values
    return Target(values, ~np.isnan(values), info)


def brief(task, target):
    facts = task.facts(target, np.arange(len(target)))
    json.dumps(facts, allow_nan=False)
    return Brief({}, facts, task.name, "vector", "cpu", 1.0, len(target), len(target))


def overconfident(n, seed=0, prevalence_shift=-1.0):
    generator = np.random.default_rng(seed)
    logit = generator.normal(size=n) * 1.5 + prevalence_shift
    truth = (generator.random(n) < expit(logit)).astype(float)
    return 2.0 * logit + 0.7, truth


def test_platt_undoes_a_known_distortion():
    raw, truth = overconfident(200_000)
    found = platt(raw, truth)
    assert found.slope[0] == pytest.approx(0.5, abs=0.01)
    assert found.intercept[0] == pytest.approx(-0.35, abs=0.02)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [5, 40, 90, 300])
def test_calibration_never_harms_its_own_cases(n, seed):
    raw, truth = overconfident(n, seed=seed)
    found = platt(raw, truth)
    assert surprise(found.slope * raw + found.intercept, truth) <= surprise(raw, truth) + 1e-12
    assert found.slope[0] > 0


def test_few_events_leave_probabilities_as_they_are():
    raw, truth = np.linspace(-2, 2, 100), np.arange(100) >= 91
    assert platt(raw, truth.astype(float)).sentence.startswith("none: 9 cases of the rarer class")
    assert platt(raw, (np.arange(100) >= 85).astype(float)).sentence.startswith("intercept only")


def test_separable_and_reversed_cases_keep_a_finite_positive_slope():
    raw = np.linspace(-3, 3, 200)
    for truth in (raw > 0, raw < 0):
        found = platt(raw, truth.astype(float))
        assert 0 < found.slope[0] < 50
        assert np.isfinite(found.intercept[0])


def test_temperature_undoes_a_known_distortion_and_never_harms():
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(20_000, 4)) * 1.5
    truth = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    found = temperature(3.0 * logits + [0.0, 0.5, 0.0, -0.5], truth)
    assert found.slope[0] == pytest.approx(1 / 3, abs=0.02)
    np.testing.assert_allclose(found.intercept, np.array([0.0, -0.5, 0.0, 0.5]) / 3, atol=0.08)
    assert temperature(logits[:30], truth[:30]).sentence.startswith("none")


def test_the_balanced_threshold_is_near_the_prevalence_of_calibrated_cases():
    generator = np.random.default_rng(2)
    logit = generator.normal(size=20_000) * 1.5 - 3.5
    truth = (generator.random(len(logit)) < expit(logit)).astype(float)
    threshold, sentence = balanced(logit, truth)
    assert threshold == pytest.approx(truth.mean(), rel=0.25)
    assert "Youden" in sentence
    chosen = expit(logit) >= threshold
    gained = chosen[truth > 0].mean() - chosen[truth == 0].mean()
    grid = np.array([(logit >= t)[truth > 0].mean() - (logit >= t)[truth == 0].mean() for t in np.linspace(-6, 0, 400)])
    assert gained > grid.max() - 0.01


def test_thresholds_of_degenerate_cases_exist():
    assert balanced(np.zeros(50), np.zeros(50))[0] == 0.5
    assert balanced(np.zeros(200), (np.arange(200) < 40).astype(float))[0] == pytest.approx(0.2)
    assert balanced(np.linspace(-1, 1, 100), (np.arange(100) < 4).astype(float))[0] == pytest.approx(0.04)


def test_imbalance_moves_the_threshold_and_leaves_probabilities():
    task = Classification()
    raw, truth = overconfident(5_000, prevalence_shift=-3.0)
    target = target_of(truth, BINARY)
    plan = Plan(task.rules(brief(task, target)))
    assert plan["target.threshold"] == "balanced"
    every = np.arange(len(raw))
    states = [task.settle(raw[:, None], target, every, plan=p) for p in (plan, plan.set_by_user({"target.threshold": "plain"}))]
    moved, plain = (task.decode(raw[:, None], s, info=BINARY, plan=plan) for s in states)
    np.testing.assert_array_equal(moved["probability_case"], plain["probability_case"])
    assert (moved["predicted"] == "case").sum() > 1.5 * (plain["predicted"] == "case").sum()
    assert moved["probability_case"].mean() == pytest.approx(truth.mean(), abs=0.002)


def test_settling_takes_the_rows_it_is_told():
    task = Classification()
    raw, truth = overconfident(2_000)
    target, rows = target_of(truth, BINARY), np.arange(500, 1_500)
    whole = task.settle(raw[:, None], target, rows, plan={})
    part = task.settle(raw[rows][:, None], target, rows, plan={})
    cut = task.settle(raw[rows][:, None], target.take(rows), np.arange(1_000), plan={})
    assert whole.arrays["slope"] == part.arrays["slope"] == cut.arrays["slope"]


def test_a_diverged_training_is_told():
    with pytest.raises(OslerError, match="1 of 2 cases have raw outputs that are not numbers"):
        Classification().decode(np.array([[np.nan], [0.0]]), State(), info=BINARY, plan={})


def test_binary_columns_name_both_classes_and_add_up():
    found = Classification().decode(np.array([[2.0], [-1.0]]), State(), info=BINARY, plan={})
    assert list(found) == ["probability_case", "probability_control", "predicted"]
    np.testing.assert_allclose(found["probability_case"] + found["probability_control"], 1)
    assert found["predicted"].tolist() == ["case", "control"]
    assert found["probability_case"][0] == pytest.approx(expit(2.0))


def test_multiclass_columns_are_shares_of_one():
    info = {"kind": "multiclass", "names": ["y"], "classes": [["1", "2", "+/-"]]}
    found = Classification().decode(np.array([[0.0, 1.0, 5.0], [3.0, 0.0, 0.0]]), State(), info=info, plan={})
    assert list(found) == ["probability_1", "probability_2", "probability_-", "predicted"]
    np.testing.assert_allclose(sum(found[f"probability_{c}"] for c in "12-"), 1)
    assert found["predicted"].tolist() == ["+/-", "1"]


def test_labels_have_a_probability_and_an_answer_each():
    info = {"kind": "multilabel", "names": ["a b", "c"], "classes": [["no", "yes"], ["1", "2"]], "positive": ["yes", "2"]}
    found = Classification().decode(np.array([[1.0, -1.0]]), State(), info=info, plan={})
    assert list(found) == ["probability_a_b", "probability_c", "predicted_a_b", "predicted_c"]
    assert [found["predicted_a_b"][0], found["predicted_c"][0]] == ["yes", "1"]


def test_multiclass_imbalance_favours_the_rare_class():
    generator = np.random.default_rng(3)
    info = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b", "c"]]}
    logits = generator.normal(size=(6_000, 3)) + np.array([3.0, 2.0, -1.0])
    truth = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    task, target = Classification(), target_of(truth, info)
    plan = Plan(task.rules(brief(task, target)))
    state = task.settle(logits, target, np.arange(len(truth)), plan=plan)
    ones = np.ones((1, len(truth)), np.uint8)
    moved, plain = (
        task.measures(task.statistics(logits, target, state=s, plan=plan), ones, info=info)
        for s in (state, State({k: v for k, v in state.arrays.items() if k != "weight"}))
    )
    assert moved["balanced_accuracy"][0] > plain["balanced_accuracy"][0] + 0.05
    assert moved["log_loss"][0] == plain["log_loss"][0]


# networks -------------------------------------------------------------------------------------------------------------


def test_the_head_starts_from_what_is_known():
    task, target = Classification(), target_of([1] * 30 + [0] * 70, BINARY)
    plan = Plan(task.rules(brief(task, target)))
    head = task.head(info=BINARY, width=5, channels=(), plan=plan)
    raw = head(torch.randn(3, 5))
    assert raw.shape == (3, 1)
    np.testing.assert_allclose(torch.sigmoid(raw).detach().numpy(), 0.3, atol=0.01)
    assert head(torch.randn(3, 4, 5)).shape == (3, 4, 1)


def batch(values):
    tensor = torch.tensor(values, dtype=torch.float64)
    return TargetBatch(tensor, ~torch.isnan(tensor))


def test_unobserved_labels_neither_cost_nor_teach():
    task = Classification()
    raw = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    loss = task.loss(raw, batch([[1.0, float("nan")], [float("nan"), float("nan")], [0.0, 1.0]]), plan={})
    np.testing.assert_allclose(loss.detach().numpy(), [np.log(2), 0.0, np.log(2)])
    loss.sum().backward()
    assert raw.grad[0, 1] == 0
    assert (raw.grad[1] == 0).all()


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_models_in_one_cost_the_mean_of_their_losses(kind):
    task, width = (Regression(), 1) if kind == "regression" else (Classification(), 1 if kind == "binary" else 3)
    raw = torch.randn(5, 4, width, dtype=torch.float64)
    target = batch([[1.0], [0.0], [1.0], [0.0], [1.0]])
    alone = torch.stack([task.loss(raw[:, k], target, plan={}) for k in range(4)]).mean(dim=0)
    torch.testing.assert_close(task.loss(raw, target, plan={}), alone)


def test_regression_works_on_the_scale_of_the_training_cases():
    task = Regression()
    target = target_of([[10.0, 1.0], [30.0, np.nan], [20.0, 3.0]], {"kind": "regression", "names": ["a", "b"]})
    plan = Plan(task.rules(brief(task, target)))
    assert plan["target.mean"] == [20.0, 2.0]
    raw = (target.values - plan["target.mean"]) / plan["target.scale"]
    tensor = torch.tensor(np.nan_to_num(raw), dtype=torch.float64)
    assert task.loss(tensor, batch(target.values.tolist()), plan=plan).max() < 1e-12
    found = task.decode(np.nan_to_num(raw), State(), info=target.info, plan=plan)
    np.testing.assert_allclose(found["predicted_a"], [10.0, 30.0, 20.0])


def test_regression_is_recalibrated_only_where_it_clearly_must_be():
    generator = np.random.default_rng(6)
    truth = generator.normal(size=2_000)
    target = target_of(truth, {"kind": "regression", "names": ["y"]})
    honest = truth * 0.5 + generator.normal(size=2_000) * 0.5
    slope = float(np.cov(honest, truth)[0, 1] / honest.var())
    task, every = Regression(), np.arange(2_000)
    kept = task.settle((slope * honest)[:, None], target, every, plan={})
    assert kept.arrays["slope"][0] == 1.0
    squeezed = task.settle((0.5 * slope * honest)[:, None], target, every, plan={})
    assert squeezed.arrays["slope"][0] == pytest.approx(2.0, abs=0.1)
    assert squeezed.arrays["residual"][0] == pytest.approx(kept.arrays["residual"][0], rel=0.02)
    few = task.settle((0.5 * honest)[:40, None], target.take(every[:40]), every[:40], plan={})
    assert few.arrays["slope"][0] == 1.0
