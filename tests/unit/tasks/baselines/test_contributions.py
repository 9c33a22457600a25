"""What the baseline says of why adds up to what it says."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from osler.core.features import ExplainedModel, Features
from osler.core.target import Target
from osler.tasks.baselines import fit_baseline, load_baseline
from osler.tasks.baselines.boosting import BOUND, boosted_contributions, boosted_raw
from osler.tasks.baselines.design import fit_design
from osler.tasks.baselines.linear import Linear

PLAN = {"baseline.effort": 1, "fit.threads": 1}


def features_of(matrix, categorical=None):
    categorical = np.zeros(matrix.shape[1], bool) if categorical is None else categorical
    return Features(
        matrix.astype(np.float32), np.arange(len(matrix)), tuple(f"c{j}" for j in range(matrix.shape[1])), categorical
    )


def real(kind):
    """Real tables, with gaps and a column of codes."""
    load = {"binary": load_breast_cancer, "multiclass": load_wine, "regression": load_diabetes}[kind]
    matrix, truth = load(return_X_y=True)
    matrix = np.column_stack([matrix[:, :6], np.arange(len(matrix)) % 4])
    matrix[::11, 1] = np.nan
    info = {"kind": kind, "names": ["y"], "classes": [sorted({str(v) for v in truth})] if kind != "regression" else []}
    values = truth[:, None].astype(float)
    return features_of(matrix, np.arange(7) == 6), Target(values, np.ones_like(values, bool), info)


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def fitted(request):
    features, target = real(request.param)
    model = fit_baseline(features, target, kind=request.param, groups=np.arange(len(target)), plan=PLAN, seed=0)
    return load_baseline(model.files()), features.matrix


def test_contributions_add_up_to_the_raw_output(fitted):
    model, matrix = fitted
    assert isinstance(model, ExplainedModel)
    values, reference = model.contributions(matrix)
    raw = model.raw(matrix)
    assert values.shape == (len(matrix), raw.shape[1], matrix.shape[1])
    np.testing.assert_allclose(values.sum(2) + reference, raw, rtol=1e-5, atol=1e-5)


def test_trees_alone_add_up_and_so_they_do_where_they_are_bounded(fitted):
    booster, matrix = fitted[0].parts[0].booster, fitted[1]
    if booster is None:
        pytest.skip("the blend has no trees")
    for given in (booster, Loud(booster)):
        values, reference = boosted_contributions(given, matrix, threads=1)
        raw = boosted_raw(given, matrix, threads=1)
        np.testing.assert_allclose(values.sum(2) + reference, raw, rtol=1e-5, atol=1e-5)
    assert np.abs(raw).max() >= 0.5 * BOUND  # the loud one was bounded


class Loud:
    """A booster a thousand times as sure."""

    def __init__(self, booster):
        self.booster = booster

    def num_model_per_iteration(self):
        return self.booster.num_model_per_iteration()

    def predict(self, matrix, **options):
        found = np.array(self.booster.predict(matrix, **options))
        if options.get("pred_contrib"):
            width = self.num_model_per_iteration()
            parts = found.reshape(len(matrix), width, -1)
            parts[..., :-1] *= 1000
            return parts.reshape(found.shape)
        contributions = self.predict(matrix, pred_contrib=True).reshape(len(matrix), self.num_model_per_iteration(), -1)
        return contributions.sum(2).reshape(found.shape)


def test_a_linear_model_is_its_coefficients_times_the_differences():
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(80, 3)).astype(np.float32)
    design = fit_design(matrix, np.zeros(3, bool), form="plain")
    weights = np.array([[1.0], [-2.0], [0.0]])
    linear = Linear(design, weights, np.array([0.3]), design.matrix(matrix).mean(0, dtype=np.float64))
    values, reference = linear.contributions(matrix)
    slope = weights[:, 0] / design.scale
    np.testing.assert_allclose(values[:, 0], (matrix - matrix.mean(0)) * slope, rtol=1e-4, atol=1e-5)
    assert (values[:, 0, 2] == 0).all()
    assert reference[0] == pytest.approx(linear.raw(matrix).mean(), abs=1e-5)


def test_a_model_stored_without_a_mean_compares_with_its_centre(fitted):
    from safetensors.numpy import load, save

    model, matrix = fitted
    files = dict(model.files())
    arrays = load(files["linear.safetensors"])
    assert "0.mean" in arrays
    files["linear.safetensors"] = save({k: v for k, v in arrays.items() if not k.endswith(".mean")})
    older = load_baseline(files)
    values, reference = older.contributions(matrix)
    np.testing.assert_allclose(values.sum(2) + reference, older.raw(matrix), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(older.raw(matrix), model.raw(matrix))
