"""Figures are aggregates that JSON can hold."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest

from osler.core.state import State
from osler.core.target import Target
from osler.tasks import curves, number_figures
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

BINARY = {"kind": "binary", "names": ["y"], "classes": [["no", "yes"]], "positive": "yes"}


def statistics(task, raw, values, info, **plan):
    values = np.asarray(values, float).reshape(len(raw), -1)
    return task.statistics(
        np.asarray(raw, float).reshape(len(raw), -1), Target(values, ~np.isnan(values), info), state=State(), plan=plan
    )


def binary(n=2_000, seed=0):
    generator = np.random.default_rng(seed)
    logit = generator.normal(size=n) * 1.5 - 1
    return logit, generator.random(n) < 1 / (1 + np.exp(-logit))


def named(figures):
    json.dumps([f.to_dict() for f in figures], allow_nan=False)
    return {f.name: f for f in figures}


def test_binary_figures_are_on_grids():
    logit, truth = binary()
    task = Classification()
    found = named(task.figures(statistics(task, logit, truth, BINARY), info=BINARY))
    assert list(found) == ["roc", "pr", "calibration", "predictions", "decision", "selective"]
    assert all(len(s.x) == len(s.y) <= 101 for f in found.values() for s in f.series)
    roc = found["roc"].series[0]
    area = sum((b - a) * (c + d) / 2 for (a, b), (c, d) in zip(pairwise(roc.x), pairwise(roc.y), strict=True))
    exact = task.measures(statistics(task, logit, truth, BINARY), np.ones((1, len(logit)), np.uint8), info=BINARY)["auroc"][0]
    assert area == pytest.approx(exact, abs=0.01)
    assert roc.y[0] == 0.0
    assert roc.y[-1] == 1.0


def test_honest_probabilities_lie_on_the_diagonal():
    logit, truth = binary(n=100_000)
    task = Classification()
    found = named(task.figures(statistics(task, logit, truth, BINARY), info=BINARY))["calibration"]
    smooth, observed = (next(s for s in found.series if s.label == label) for label in ("smooth", "observed"))
    assert np.abs(np.subtract(observed.x, observed.y)).max() < 0.02
    assert np.abs(np.subtract(smooth.x, smooth.y)).max() < 0.05
    assert all(low <= y <= high for low, y, high in zip(observed.low, observed.y, observed.high, strict=True))


def test_net_benefit_is_what_its_definition_says():
    logit, truth = binary()
    task = Classification()
    model, everyone, _ = named(task.figures(statistics(task, logit, truth, BINARY), info=BINARY))["decision"].series
    at = model.x.index(0.2)
    acted = 1 / (1 + np.exp(-logit)) >= 0.2
    wanted = (acted & truth).mean() - (acted & ~truth).mean() * 0.25
    assert model.y[at] == pytest.approx(wanted, abs=1e-4)
    assert everyone.y[everyone.x.index(0.2)] == pytest.approx(truth.mean() - 0.25 * (1 - truth.mean()), abs=1e-4)


def test_small_counts_are_not_shown():
    logit, truth = binary(n=60)
    task = Classification()
    bars = named(task.figures(statistics(task, logit, truth, BINARY), info=BINARY))["predictions"].series
    assert all(count == 0 or count >= 5 for s in bars for count in s.y)


@pytest.mark.parametrize("values", [np.zeros(50), np.ones(50), np.full(50, np.nan)])
def test_one_class_has_no_figures(values):
    task = Classification()
    assert task.figures(statistics(task, np.linspace(-1, 1, 50), values, BINARY), info=BINARY) == ()


def test_equal_predictions_and_few_cases_can_be_drawn():
    task = Classification()
    for n in (2, 12, 80):
        named(task.figures(statistics(task, np.zeros(n), np.arange(n) % 2, BINARY), info=BINARY))


def test_many_classes_have_a_confusion_matrix_with_their_names():
    generator = np.random.default_rng(1)
    info = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b", "c"]]}
    raw = generator.normal(size=(900, 3))
    truth = (raw + generator.normal(size=raw.shape)).argmax(axis=1)
    found = named(Classification().figures(statistics(Classification(), raw, truth, info), info=info))
    heat = np.array(found["confusion"].heat)
    assert heat.sum() == 900
    assert heat[0, 1] == ((truth == 0) & (raw.argmax(axis=1) == 1)).sum()
    assert found["confusion"].y_edges == ["a", "b", "c"]
    assert [s.label for s in found["roc"].series] == ["a", "b", "c", "chance"]


def test_labels_share_a_drawing():
    generator = np.random.default_rng(2)
    info = {"kind": "multilabel", "names": ["u", "v"], "classes": [["0", "1"]] * 2, "positive": ["1", "1"]}
    raw = generator.normal(size=(300, 2))
    values = np.where(generator.random(raw.shape) < 0.1, np.nan, raw + generator.normal(size=raw.shape) > 0)
    found = named(Classification().figures(statistics(Classification(), raw, values, info), info=info))
    assert list(found) == ["roc", "pr", "calibration", "selective", "selective_first"]


def test_numbers_are_counted_in_readable_cells_and_none_is_lost_but_the_small():
    generator = np.random.default_rng(3)
    info = {"kind": "regression", "names": ["y"]}
    raw = generator.normal(size=20_000) * 37
    values = raw + generator.normal(size=20_000) * 20
    found = named(Regression().figures(statistics(Regression(), raw, values, info), info=info))
    heat = np.array(found["observed"].heat)
    assert ((heat == 0) | (heat >= 5)).all()
    assert 0.97 * 20_000 < heat.sum() <= 20_000
    assert len(found["observed"].x_edges) == heat.shape[1] + 1
    assert found["observed"].x_edges[1] - found["observed"].x_edges[0] in {5.0, 10.0, 20.0}
    residuals = next(s for s in found["residuals"].series if s.style == "points")
    assert np.abs(residuals.y).max() < 3


@pytest.mark.parametrize("scale", [0.0, 1e-9, 1e12])
def test_numbers_of_any_size_can_be_drawn(scale):
    info = {"kind": "regression", "names": ["y"]}
    raw = np.linspace(0, 1, 100) * scale
    named(Regression().figures(statistics(Regression(), raw, raw, info), info=info))


def test_calibration_is_drawn_before_and_after_with_its_distance():
    logit, truth = binary(8_000)
    task, target = Classification(), Target(truth.astype(float)[:, None], np.ones((8_000, 1), bool), BINARY)
    raw = (2 * logit)[:, None]
    undone = State({"slope": np.array([0.5]), "intercept": np.zeros(1)})
    lines = task.statistics(raw, target, state=undone, plan={})
    found = named(task.figures(lines, info=BINARY))["calibration"]
    series = {s.label: (np.array(s.x), np.array(s.y)) for s in found.series}
    assert list(series) == ["ideal", "smooth", "smooth before calibration", "observed"]
    distance = {label: np.abs(y - x).mean() for label, (x, y) in series.items()}
    assert distance["smooth before calibration"] > 3 * distance["smooth"]
    told = [float(v) for v in re.findall(r"0\.\d{3}", found.note)]
    assert told[0] < 0.02 < 0.05 < told[1]
    assert curves.calibration_index(logit, truth) == pytest.approx(told[0], abs=5e-4)


def test_what_calibration_left_alone_is_drawn_once():
    logit, truth = binary()
    task = Classification()
    found = named(task.figures(statistics(task, logit, truth, BINARY), info=BINARY))["calibration"]
    assert "smooth before calibration" not in [s.label for s in found.series]
    assert "before" not in found.note


def test_the_index_of_a_known_distortion_is_its_mean_distance():
    """Integrated calibration index: with the truth known, the mean of |p - true p|."""
    generator = np.random.default_rng(1)
    logit = generator.normal(size=200_000)
    true = 1 / (1 + np.exp(-(0.5 * logit - 0.4)))
    index = curves.calibration_index(logit, generator.random(200_000) < true)
    assert index == pytest.approx(np.abs(1 / (1 + np.exp(-logit)) - true).mean(), abs=0.003)


def test_classes_before_calibration_are_recovered():
    info = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b", "c"]]}
    generator = np.random.default_rng(2)
    raw = generator.normal(size=(6_000, 3)) * 1.5
    chance = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    own = (generator.random(6_000)[:, None] > chance.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    target = Target(own.astype(float)[:, None], np.ones((6_000, 1), bool), info)
    state = State({"slope": np.array([1 / 3]), "intercept": np.zeros(3)})
    found = named(Classification().figures(Classification().statistics(3 * raw, target, state=state, plan={}), info=info))
    distance = {s.label: np.abs(np.array(s.y) - np.array(s.x)).mean() for s in found["calibration"].series}
    assert distance["smooth before calibration"] > 2 * distance["smooth"]


def test_a_few_cases_are_counted_in_large_cells_or_not_drawn():
    """Disease progression: 88 test cases in 20 by 20 cells were five to a cell nowhere, and the panel was empty."""
    from sklearn.datasets import load_diabetes

    truth = load_diabetes().target[:88]
    guess = truth.mean() + 0.6 * (truth - truth.mean()) + np.random.default_rng(0).normal(0, 40, 88)
    info = {"kind": "regression", "names": ["y"]}
    lines = np.stack([truth, guess, np.ones(88), np.ones(88)], axis=1)
    found = {f.name: f for f in number_figures.figures(lines, info=info)}
    assert np.array(found["observed"].heat).sum() > 44
    scattered = np.stack([np.arange(12.0) % 4 * 100, np.arange(12.0) // 4 * 100, np.ones(12), np.ones(12)], axis=1)
    assert "observed" not in {f.name for f in number_figures.figures(scattered, info=info)}
