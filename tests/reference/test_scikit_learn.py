"""Measures equal scikit-learn 1.9.1 (and SciPy 1.17.1) to 1e-9 on real cases.

Cases: Wisconsin breast cancer, digits and diabetes, from scikit-learn's own files; raw outputs from a plain model fitted on
every second case.
"""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, softmax
from sklearn import datasets, linear_model, metrics, preprocessing

from osler.core.state import State
from osler.core.target import Target
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

CLOSE = {"rel": 0, "abs": 1e-9}


def halves(loaded):
    x = preprocessing.scale(loaded.data)
    fit = np.arange(len(x)) % 2 == 0
    return x[fit], loaded.target[fit], x[~fit], loaded.target[~fit]


def measured(task, raw, values, info, plan=None):
    values = np.asarray(values, float).reshape(len(raw), -1)
    target = Target(values, ~np.isnan(values), info)
    statistics = task.statistics(raw, target, state=State(), plan=plan or {})
    found = task.measures(statistics, np.ones((1, len(raw)), np.uint8), info=info)
    return {name: float(value[0]) for name, value in found.items()}


@pytest.fixture(scope="module", params=["as they are", "with many ties", "rare"])
def cancer(request):
    x, y, other, truth = halves(datasets.load_breast_cancer())
    model = linear_model.LogisticRegression(C=0.005).fit(x[:, :4], y)
    logit = model.decision_function(other[:, :4])
    if request.param == "with many ties":
        logit = np.round(logit)
    if request.param == "rare":
        kept = np.flatnonzero((truth == 0) | (np.cumsum(truth) % 15 == 0))
        logit, truth = logit[kept], truth[kept]
    return logit, truth


def test_binary(cancer):
    logit, truth = cancer
    info = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
    found = measured(Classification(), logit[:, None], truth, info)
    chance, chosen = expit(logit), logit >= 0
    wanted = {
        "auroc": metrics.roc_auc_score(truth, logit),
        "auprc": metrics.average_precision_score(truth, logit),
        "accuracy": metrics.accuracy_score(truth, chosen),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, chosen),
        "sensitivity": metrics.recall_score(truth, chosen),
        "specificity": metrics.recall_score(truth, chosen, pos_label=0),
        "ppv": metrics.precision_score(truth, chosen),
        "npv": metrics.precision_score(truth, chosen, pos_label=0),
        "f1": metrics.f1_score(truth, chosen),
        "mcc": metrics.matthews_corrcoef(truth, chosen),
        "brier": metrics.brier_score_loss(truth, chance),
        "scaled_brier": metrics.d2_brier_score(truth, chance),
        "log_loss": metrics.log_loss(truth, chance),
        "oe_ratio": truth.sum() / chance.sum(),
    }
    assert {name: found[name] for name in wanted} == {name: pytest.approx(v, **CLOSE) for name, v in wanted.items()}


def test_calibration_slope_and_intercept(cancer):
    """LogisticRegression(C=inf, tol=1e-12, solver="newton-cholesky") gives the slope; the intercept solves sum(p) = sum(y)."""
    logit, truth = cancer
    info = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
    found = measured(Classification(), logit[:, None], truth, info)
    free = linear_model.LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cholesky", max_iter=1000)
    slope = free.fit(logit[:, None], truth).coef_[0, 0]
    assert found["calibration_slope"] == pytest.approx(slope, abs=1e-6)
    assert expit(logit + found["calibration_intercept"]).sum() == pytest.approx(truth.sum(), abs=1e-6)


def test_multiclass():
    x, y, other, truth = halves(datasets.load_digits())
    x, other = np.nan_to_num(x), np.nan_to_num(other)
    logits = linear_model.LogisticRegression(C=0.001, max_iter=500).fit(x[:, :20], y).decision_function(other[:, :20])
    info = {"kind": "multiclass", "names": ["y"], "classes": [[str(c) for c in range(10)]]}
    found = measured(Classification(), logits, truth, info)
    chance, chosen, each = softmax(logits, axis=1), logits.argmax(axis=1), np.eye(10)[truth]
    wanted = {
        "auroc": metrics.roc_auc_score(truth, chance, multi_class="ovr"),
        "auprc": metrics.average_precision_score(each, chance),
        "accuracy": metrics.accuracy_score(truth, chosen),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, chosen),
        "f1": metrics.f1_score(truth, chosen, average="macro"),
        "mcc": metrics.matthews_corrcoef(truth, chosen),
        "brier": ((chance - each) ** 2).sum(axis=1).mean(),
        "log_loss": metrics.log_loss(truth, chance),
    }
    assert found == {name: pytest.approx(v, **CLOSE) for name, v in wanted.items()}


def test_multilabel_with_missing_labels():
    generator = np.random.default_rng(0)
    raw = np.round(generator.normal(size=(500, 3)), 1)
    values = (raw + generator.normal(size=raw.shape) > 0.5).astype(float)
    values[generator.random(raw.shape) < 0.3] = np.nan
    info = {"kind": "multilabel", "names": ["a", "b", "c"], "classes": [["0", "1"]] * 3, "positive": ["1"] * 3}
    found = measured(Classification(), raw, values, info)
    seen = [~np.isnan(values[:, label]) for label in range(3)]
    each = [metrics.roc_auc_score(values[s, n], raw[s, n]) for n, s in enumerate(seen)]
    assert [found[f"auroc_{name}"] for name in "abc"] == pytest.approx(each, **CLOSE)
    assert found["auroc"] == pytest.approx(np.mean(each), **CLOSE)
    losses = [metrics.log_loss(values[s, n], expit(raw[s, n])) for n, s in enumerate(seen)]
    assert found["log_loss"] == pytest.approx(np.mean(losses), **CLOSE)


@pytest.mark.parametrize("digits", [8, 0])
def test_regression(digits):
    x, y, other, truth = halves(datasets.load_diabetes())
    guess = np.round(linear_model.Ridge(1.0).fit(x, y).predict(other), digits)
    plan = {"target.mean": [100.0], "target.scale": [50.0]}
    found = measured(Regression(), ((guess - 100) / 50)[:, None], truth, {"kind": "regression", "names": ["y"]}, plan)
    wanted = {
        "rmse": metrics.root_mean_squared_error(truth, guess),
        "mae": metrics.mean_absolute_error(truth, guess),
        "r2": metrics.r2_score(truth, guess),
        "spearman": stats.spearmanr(truth, guess).statistic,
        "calibration_slope": stats.linregress(guess, truth).slope,
        "calibration_intercept": np.mean(truth - guess),
    }
    assert found == {name: pytest.approx(v, **CLOSE) for name, v in wanted.items()}
