"""Many outcomes share settings: sound, quick, and only where that is asked for."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import log_loss, roc_auc_score

from osler.core.features import Features
from osler.core.target import Target
from osler.language import words
from osler.tasks.baselines import fit_baseline, load_baseline
from osler.tasks.baselines.shared import ASKED, shown

PLAN = {"baseline.effort": 1, "fit.threads": 1}
LABELS = 30


def fitted(data, values, observed=None, *, kind="multilabel", tuning=None, **info):
    features = Features(
        data.astype(np.float32), np.arange(len(data)), tuple(map(str, range(data.shape[1]))), np.zeros(data.shape[1], bool)
    )
    target = Target(values, np.ones(values.shape, bool) if observed is None else observed, info)
    plan = PLAN if tuning is None else PLAN | {"baseline.tuning": tuning}
    return fit_baseline(features, target, kind=kind, groups=np.arange(len(data)), plan=plan, seed=0)


@pytest.fixture(scope="module")
def films():
    """Real tumours, and labels that ask whether one of their measures is large, which the other columns tell: a label of one in
    seven has gaps, another nobody has."""
    data = load_breast_cancer().data[np.random.default_rng(0).permutation(569)]
    labels = (data > np.quantile(data, np.linspace(0.4, 0.95, LABELS), axis=0).diagonal()).astype(float)
    labels[:, 3] = 0
    observed = np.ones(labels.shape, bool)
    observed[::7, 5] = False
    return data[:, ::3], labels, observed


@pytest.mark.parametrize("tuning", ["short", "linear"])
def test_labels_share_settings_and_are_told_apart_as_well_as_if_each_were_tuned(films, tuning):
    data, labels, observed = films
    began = time.process_time()
    model = fitted(data[:400], labels[:400], observed[:400], tuning=tuning)
    took = time.process_time() - began
    began = time.process_time()
    whole = fitted(data[:400], labels[:400, :6], observed[:400, :6])
    assert took / LABELS < (time.process_time() - began) / 6 / 3
    assert {part.booster is None for at, part in enumerate(model.parts) if at != 3} == {tuning == "linear"}
    asked = [at for at in range(LABELS) if at != 3]
    raw = model.raw(data[400:])
    assert np.mean([roc_auc_score(labels[400:, at], raw[:, at]) for at in asked]) > 0.9
    each = [[roc_auc_score(labels[400:, at], one[:, at]) for at in asked[:5]] for one in (raw, whole.raw(data[400:]))]
    assert np.mean(each[0]) > np.mean(each[1]) - 0.01
    assert np.ptp(raw[:, 3]) == 0
    np.testing.assert_array_equal(load_baseline(model.files()).raw(data[400:]), raw)


def test_classes_are_told_apart_with_less_tuning():
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.data))[:900]
    data, classes = digits.data[order][:, ::2], digits.target[order]
    info = {"classes": [[str(digit) for digit in range(10)]]}
    for tuning in ("short", "linear"):
        raw = fitted(data[:700], classes[:700, None].astype(float), kind="multiclass", tuning=tuning, **info).raw(data[700:])
        chances = np.exp(raw - raw.max(axis=1, keepdims=True))
        assert log_loss(classes[700:], chances / chances.sum(axis=1, keepdims=True)) < 0.5


def test_where_each_is_tuned_nothing_changed(films):
    data, labels, _ = films
    asked, given = (fitted(data[:300], labels[:300, :2], tuning=tuning).files() for tuning in (None, "whole"))
    assert asked == given


def test_settings_are_chosen_on_labels_with_the_most_cases_of_the_rarer_class():
    values = np.zeros((100, 6))
    for label, positive in enumerate((1, 50, 99, 30, 20, 80)):
        values[:positive, label] = 1
    observed = np.ones(values.shape, bool)
    assert shown(values, observed, kind="multilabel") == [1, 3, 4, 5]
    assert len(shown(values, observed, kind="regression")) == ASKED


@pytest.mark.parametrize("tuning", ["short", "linear"])
def test_the_sentence_is_told_in_chinese(films, tuning):
    data, labels, _ = films
    sentence = fitted(data[:300], labels[:300, :2], tuning=tuning).sentence()
    told = words("zh")[sentence]
    assert "LightGBM" in told if tuning == "short" else "不含提升树" in told
    assert "outcomes" not in told
    assert "penalty" not in told
