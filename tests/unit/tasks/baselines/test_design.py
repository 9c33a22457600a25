"""Features as a linear model needs them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from osler.tasks.baselines.design import FORMS, fit_design, rounded

NAN = np.nan


def test_blocks_stand_beside_one_another():
    features = np.array([[1, 0], [2, 1], [3, 1], [4, NAN], [NAN, 0]] * 20, np.float32)
    design = fit_design(features, np.array([False, True]), form="plain")
    assert (design.center.tolist(), design.gap.tolist(), design.flags.tolist()) == ([2.5], [0, 1], [[1, 0], [1, 1]])
    matrix = design.matrix(np.array([[2.5, 1], [NAN, NAN], [2.5, 7]], np.float32))
    np.testing.assert_allclose(matrix, [[0, 0, 0, 0, 1], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]])


def test_constant_columns_and_rare_categories_are_left_out():
    features = np.column_stack([np.full(100, 7.0), np.full(100, NAN), np.r_[np.zeros(97), 1, 1, 1]]).astype(np.float32)
    design = fit_design(features, np.array([False, False, True]), form="squeezed")
    assert design.flags.tolist() == [[2, 0]]
    assert design.width == 1


@pytest.mark.parametrize("form", FORMS)
def test_an_outlier_is_squeezed_unless_numbers_are_plain(form):
    values = np.linspace(-1, 1, 101, dtype=np.float32)[:, None]
    design = fit_design(values, np.array([False]), form=form)
    far = design.matrix(np.array([[1e6]], np.float32))[0]
    assert (far[0] > 1e5) == (form == "plain")
    assert np.isfinite(far).all()


def test_hinges_start_at_their_knots():
    values = np.linspace(-1, 1, 101, dtype=np.float32)[:, None]
    design = fit_design(values, np.array([False]), form="hinged")
    matrix = design.matrix(values)
    assert matrix.shape[1] == 6
    for hinge, (_, knot) in enumerate(design.knots):
        np.testing.assert_allclose(matrix[:, 1 + hinge], np.maximum(matrix[:, 0] - knot, 0), atol=1e-6)


def test_what_is_kept_is_nobodys_value():
    values = load_breast_cancer().data.astype(np.float32)
    for form in ("plain", "hinged"):
        design = fit_design(values, np.zeros(30, bool), form=form)
        assert all(len(f"{np.float64(s):.12g}".lstrip("0.").rstrip("0").replace(".", "")) <= 3 for s in design.scale)
        np.testing.assert_allclose(design.center, np.median(values[:, design.number], axis=0), atol=0.01 * design.scale.max())


def test_rounding_follows_the_spread():
    given = rounded(np.array([1234.567, 0.0012345, 5.0]), spread=np.array([100.0, 0.001, 0.0]))
    np.testing.assert_allclose(given, [1235, 0.00123, 5.0], rtol=1e-3)
