"""Lists of single cases: the worst first, the least sure first, and nothing made of what was not observed."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

from osler.core.state import State
from osler.core.target import Target
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

BINARY = {"kind": "binary", "names": ["y"], "classes": [["b", "m"]], "positive": "m"}


def told(task, raw, values, info, plan=None):
    target = Target(values, ~np.isnan(values), info)
    return task.telling(task.statistics(raw, target, state=State(), plan=plan or {}), info=info)


def test_two_classes_by_log_loss_and_entropy():
    data, truth = load_breast_cancer(return_X_y=True)
    model = LogisticRegression().fit(scale(data)[::2], truth[::2])
    chance = model.predict_proba(scale(data))[:, 1]
    logit = model.decision_function(scale(data))
    found = told(Classification(), logit[:, None], truth[:, None].astype(float), BINARY)
    assert found.loss.mean() == pytest.approx(log_loss(truth, chance), rel=1e-9)
    assert found.worst(5).tolist() == np.argsort(-np.where(truth == 1, -np.log(chance), -np.log1p(-chance)))[:5].tolist()
    assert found.doubtful(3).tolist() == np.argsort(np.abs(chance - 0.5))[:3].tolist()
    assert found.texts(np.arange(1))[0][0] == ("m" if truth[0] else "b")
    assert found.texts(np.arange(1))[1][0] == f"{'m' if chance[0] >= 0.5 else 'b'} (P(m) = {chance[0]:.3f})"


def test_several_classes_name_the_chosen_one():
    data, truth = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(data, truth)
    raw = np.log(model.predict_proba(data))
    info = {"kind": "multiclass", "names": ["y"], "classes": [["setosa", "versicolor", "virginica"]]}
    values = truth[:, None].astype(float)
    values[3] = np.nan
    found = told(Classification(), raw, values, info)
    assert np.nanmean(found.loss) == pytest.approx(log_loss(np.delete(truth, 3), np.delete(np.exp(raw), 3, axis=0)))
    assert found.texts(np.array([3]))[0] == ["-"]
    assert 3 not in (*found.worst(150), *found.doubtful(150))
    assert found.texts(np.arange(1))[1][0].startswith("setosa (0.9")


def test_labels_that_were_not_observed_count_nothing():
    info = {"kind": "multilabel", "names": ["a", "b"], "classes": [["0", "1"], ["no", "yes"]], "positive": ["1", "yes"]}
    raw = np.array([[2.0, -9.0], [0.0, 0.0], [1.0, 1.0]])
    values = np.array([[1.0, np.nan], [0.0, 1.0], [np.nan, np.nan]])
    found = told(Classification(), raw, values, info)
    assert found.loss[0] == pytest.approx(np.log1p(np.exp(-2.0)))
    assert np.isnan(found.loss[2])
    assert list(found.texts(np.arange(3))[0]) == ["a: 1; b: -", "a: 0; b: yes", "a: -; b: -"]


def test_numbers_by_their_error_in_usual_errors():
    data, truth = load_diabetes(return_X_y=True)
    guess = LinearRegression().fit(data, truth).predict(data)
    info = {"kind": "regression", "names": ["y"]}
    found = told(Regression(), guess[:, None], truth[:, None], info)
    assert found.loss.mean() == pytest.approx(1.0)
    assert found.worst(1)[0] == np.abs(truth - guess).argmax()
    assert found.doubt is None
    assert not len(found.doubtful(5))
    assert found.texts(np.arange(1))[0][0] == f"{truth[0]:.5g}"
