"""The linear models beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from osler.tasks.baselines.linear import path

PENALTIES = (100.0, 1.0)


def scaled(data):
    return StandardScaler().fit_transform(data)


def fits(kind, matrix, values, *, width=1, weight=None):
    weight = np.ones(len(values)) if weight is None else weight
    return list(path(kind, matrix, values.astype(float), width=width, weight=weight, penalties=PENALTIES))


def test_logistic_regression_is_scikit_learns():
    known = load_breast_cancer()
    weight = np.random.default_rng(0).uniform(0.5, 2, len(known.target))
    matrix = scaled(known.data)
    for penalty, (weights, intercept) in zip(PENALTIES, fits("binary", matrix, known.target, weight=weight), strict=True):
        peer = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000).fit(matrix, known.target, weight)
        np.testing.assert_allclose(weights[:, 0], peer.coef_[0], atol=2e-3)
        np.testing.assert_allclose(intercept, peer.intercept_, atol=2e-3)


def test_ridge_is_scikit_learns():
    known = load_diabetes()
    matrix, values = scaled(known.data), (known.target - 150) / 77
    for penalty, (weights, intercept) in zip(PENALTIES, fits("regression", matrix, values), strict=True):
        peer = Ridge(alpha=penalty / 2).fit(matrix, values)  # its penalty has no half
        np.testing.assert_allclose(weights[:, 0], peer.coef_, atol=1e-5)
        np.testing.assert_allclose(intercept, peer.intercept_, atol=1e-5)


def test_several_classes_are_scikit_learns():
    known = load_wine()
    matrix = scaled(known.data)
    for penalty, (weights, intercept) in zip(PENALTIES, fits("multiclass", matrix, known.target, width=3), strict=True):
        peer = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000).fit(matrix, known.target)
        given, wanted = matrix @ weights + intercept, peer.decision_function(matrix)
        np.testing.assert_allclose(given - given.mean(1, keepdims=True), wanted - wanted.mean(1, keepdims=True), atol=2e-2)


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_more_columns_than_rows_have_the_solution_of_the_span(kind):
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(30, 200)).astype(np.float32)
    values = (matrix[:, 0] > 0).astype(float)
    weights, intercept = fits(kind, matrix, values)[1]
    if kind == "binary":
        peer = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(matrix, values)
    else:
        peer = Ridge(alpha=0.5).fit(matrix, values)
    np.testing.assert_allclose(matrix @ weights[:, 0] + intercept, matrix @ np.ravel(peer.coef_) + peer.intercept_, atol=2e-3)


def test_separable_classes_end(recwarn):
    matrix = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    values = (matrix[:, 0] > 0).astype(float)
    *_, (weights, intercept) = path("binary", matrix, values, width=1, weight=np.ones(40), penalties=(1.0, 1e-3, 1e-9))
    assert np.isfinite(weights).all()
    assert np.isfinite(intercept).all()
    assert (((matrix @ weights)[:, 0] + intercept > 0) == (values > 0)).all()
