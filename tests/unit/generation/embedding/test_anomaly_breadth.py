"""How unlike training a case is, and how many dimensions are used."""

import json

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from osler.core.split import Split
from osler.generation.embedding import judge_vectors
from osler.generation.embedding.anomaly import distance, fitted, place, to_nearest
from osler.generation.embedding.breadth import breadth
from tests.unit.generation.embedding.cases import nuclei

pytestmark = pytest.mark.usefixtures("small_maps")
NONE = np.empty(0, np.int64)


def test_the_distance_is_that_of_mahalanobis_with_the_shrunk_covariance():
    vectors = nuclei().vectors
    rows = np.arange(300)
    state = fitted(vectors, rows, beside=NONE, seed=0)
    other = LedoitWolf().fit(vectors[rows].astype(float))
    inverse = np.linalg.inv(other.covariance_)
    expected = [mahalanobis(vector, other.location_, inverse) for vector in vectors[300:310]]
    assert distance(vectors[300:310], state) == pytest.approx(expected, rel=1e-6)


def test_more_dimensions_than_cases_and_constant_ones_have_a_distance():
    vectors = np.random.default_rng(0).normal(size=(20, 50)).astype(np.float32)
    vectors[:, :10] = 1
    assert np.isfinite(distance(vectors, fitted(vectors, np.arange(20), beside=NONE, seed=0))).all()


def test_a_distance_has_its_place_among_known_cases_where_these_are_enough():
    vectors = nuclei().vectors
    state = fitted(vectors, np.arange(300), beside=np.arange(300, 569), seed=0)
    places = place(distance(vectors[300:], state), state)
    assert places.min() >= 0
    assert places.max() <= 99
    assert np.median(places) == pytest.approx(50, abs=2)
    few = fitted(vectors, np.arange(300), beside=np.arange(300, 350), seed=0)
    assert np.isnan(place(distance(vectors[:3], few), few)).all()


@pytest.mark.parametrize("known", [100, 101, 201])  # of 101, percentiles are the cases themselves
def test_what_a_bundle_keeps_holds_no_single_case(known):
    vectors = nuclei().vectors
    beside = np.arange(300, 300 + known)
    state = fitted(vectors, np.arange(300), beside=beside, seed=0)
    places = state.arrays["anomaly.places"]
    single = distance(vectors[beside], state)
    assert np.abs(places[:, None] - single).min() > 1e-9
    assert single.min() < places[0] < places[-1] < single.max()
    assert sum(array.size for array in state.arrays.values()) == 30 + 30 * 30 + 99


def test_a_stray_case_is_far_from_the_nearest():
    vectors = nuclei().vectors.copy()
    vectors[0] += 30
    near = to_nearest(vectors, np.arange(100), among=np.arange(100, 569), seed=0)
    assert near.argmax() == 0


def test_the_effective_rank_counts_equal_directions():
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(500, 8)))[0]
    centred = turned - turned.mean(axis=0)
    whitened = np.linalg.svd(centred, full_matrices=False)[0]
    assert breadth(whitened).rank == pytest.approx(8, abs=0.01)
    # singular values 1 and 1/3: shares 3/4 and 1/4, whose entropy is worked by hand
    by_hand = np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    assert breadth(whitened[:, :2] * [1, 1 / 3]).rank == pytest.approx(by_hand, abs=0.01)


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (np.ones((50, 16)), "every case has the same vector"),
        (np.outer(np.linspace(-1, 1, 50), np.ones(16)), "effective rank is 1.0"),
        (np.eye(16)[:2][np.arange(50) % 2] * 1.0, "14 are the same for every case"),
    ],
)
def test_a_collapse_is_noticed_and_said(vectors, said):
    found = breadth(vectors + 5)
    assert found.collapsed
    assert said in found.warning
    cases = nuclei()
    wide = np.resize(vectors + 5.0, (569, 16)).astype(np.float32)
    told = judge_vectors(nuclei(vectors=wide, split=cases.split))
    assert told.warnings[0].startswith("The embedding has collapsed")
    json.dumps([section.to_dict() for section in told.sections], allow_nan=False)


def test_broad_vectors_are_no_collapse():
    found = breadth(nuclei().vectors)
    assert (found.collapsed, found.warning, found.dead) == (False, "", 0)
    assert 5 < found.rank < 30


def test_a_held_out_class_is_told_by_distance():
    cases = nuclei(holdout="malignant")
    split = cases.split
    parts = {name: part[~cases.held[part]] for name in ("training", "tune") if len(part := getattr(split, name))}
    kept = Split(parts["training"], parts["tune"], NONE, split.test, (), "")
    told = judge_vectors(nuclei(holdout="malignant", split=kept, errors=np.abs(cases.vectors).sum(axis=1)))
    section = next(s for s in told.sections if s.name == "anomaly")
    values = {row.label: row.values["auroc"] for row in section.panels[0].rows}
    assert len(values) == 6
    assert values["distance to the nearest training cases; embedding"].value > 0.9
    assert all(v.low < v.value < v.high for v in values.values())
    assert "which training never saw" in told.headline
    assert all(s.name != "linear_probe" for s in told.sections)
