"""The classical model's features: strong, aggregates alone, the same for one picture as for many."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from osler.core.features import Features
from osler.core.state import State
from osler.modalities.images.baseline import baseline_features
from osler.modalities.images.baseline.frequencies import AXES, MEAN, PER_AXIS, UNIT, low_frequencies
from osler.modalities.images.case import THUMB, THUMBNAIL
from tests.unit.modalities.images.films import columns_of, films


@pytest.fixture(scope="module")
def known(data):
    """Columns of real films, and their state learned on the first 900."""
    pictures, labels = films(data)
    columns = columns_of(pictures)
    rows = np.arange(900)
    return columns, State(low_frequencies(columns, rows, groups=np.arange(len(columns)))), labels


def test_a_plain_model_on_them_tells_pneumonia(known):
    columns, state, labels = known
    rows = np.arange(1200)
    matrix = baseline_features(columns, rows, state=state).matrix
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=500)).fit(matrix[:900], labels[:900])
    assert roc_auc_score(labels[900:], model.predict_proba(matrix[900:])[:, 1]) > 0.97


def test_features_of_one_picture_are_those_among_many(known):
    columns, state, _ = known
    many = baseline_features(columns, np.arange(50), state=state)
    for row in range(0, 50, 7):
        assert (baseline_features(columns, np.array([row]), state=state).matrix[0] == many.matrix[row]).all()
    assert len(many.names) == len(many.kinds) == many.matrix.shape[1]


def test_an_absent_picture_has_no_features(known):
    columns, state, _ = known
    columns.present[3] = False
    try:
        found = baseline_features(columns, np.arange(5), state=state).matrix
    finally:
        columns.present[3] = True
    assert np.isnan(found[3]).all()
    assert np.isfinite(found[[0, 1, 2, 4]]).all()


def test_axes_are_those_of_other_software(known):
    # scikit-learn 1.9.1: PCA(5, svd_solver="full").fit(thumbnails).components_, up to signs
    from sklearn.decomposition import PCA

    columns, state, _ = known
    values = columns[THUMBNAIL][:900].reshape(900, -1).astype(float)
    other = PCA(5, svd_solver="full").fit(values).components_
    assert np.abs((state.arrays[AXES][:5] / UNIT * other).sum(1)) == pytest.approx(np.ones(5), abs=0.01)


@pytest.mark.parametrize(("cases", "most"), [(0, 0), (9, 0), (10, 1), (65, 6)])
def test_few_groups_have_few_axes(known, cases, most):
    columns, _, _ = known
    found = low_frequencies(columns, np.arange(cases), groups=np.arange(len(columns)))
    assert len(found[AXES]) <= most
    assert found[MEAN].shape == (THUMB * THUMB,)


def test_groups_count_rather_than_pictures(known):
    columns, _, _ = known
    groups = np.repeat(np.arange(3 * PER_AXIS // 2), 100)
    assert len(low_frequencies(columns, np.arange(900), groups=groups)[AXES]) <= 1


def test_no_axis_is_a_single_picture(known):
    columns, _, _ = known
    odd = np.random.default_rng(0).integers(0, 2, (THUMB, THUMB)) * 255
    thumbnails = np.array(columns[THUMBNAIL][:300])
    thumbnails[:] = thumbnails // 50 * 0 + 100  # all flat and alike, but for some noise and one odd picture
    thumbnails += np.random.default_rng(1).integers(0, 3, thumbnails.shape).astype(np.uint8)
    thumbnails[17] = odd
    arrays = {**columns.arrays, THUMBNAIL: thumbnails}
    from dataclasses import replace

    found = low_frequencies(replace(columns, arrays=arrays), np.arange(300), groups=np.arange(300))[AXES] / UNIT
    away = (odd - odd.mean()).ravel() / np.linalg.norm(odd - odd.mean())
    assert np.abs(found @ away).max(initial=0) < 0.5


def test_kinds_of_several_inputs_stand_beside_one_another():
    flat = Features(np.zeros((2, 1), np.float32), np.arange(2), ("age",), np.zeros(1, bool))
    seen = Features(np.zeros((2, 2), np.float32), np.arange(2), ("histogram.1", "histogram.2"), np.zeros(2, bool),
                    kinds=("histogram", "histogram"))  # fmt: skip
    assert Features.joined((flat, seen), prefixes=("table", "film")).kinds == ("", "histogram", "histogram")
    assert Features.joined((flat,), prefixes=("table",)).kinds == ()
