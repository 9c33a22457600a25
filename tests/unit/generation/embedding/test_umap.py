"""The layout of neighbours: its weights beside umap-learn's, what it keeps of the neighbours beside other maps."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from osler.generation.embedding import umap
from osler.generation.embedding.umap import SPREAD_A, SPREAD_B, fuzzy_graph, laid_out, nearest


def test_weights_are_those_of_umap_learn():
    """umap-learn 0.5.12: `fuzzy_simplicial_set(load_digits().data, 15, RandomState(0), "euclidean")[0]`, its sum and entries."""
    graph = fuzzy_graph(*nearest(load_digits().data, 15)).tocsr()
    assert graph.nnz == 34236
    assert graph.sum() == pytest.approx(11293.458, rel=1e-6)
    assert abs(graph - graph.T).max() < 1e-12


def test_the_curve_is_that_of_a_least_distance_of_a_tenth():
    """`umap.umap_.find_ab_params(1.0, 0.1)` fits it to 1 up to 0.1 and then exp(-(d - 0.1))."""
    distance = np.linspace(0, 3, 300)
    wanted = np.where(distance < 0.1, 1.0, np.exp(-(distance - 0.1)))
    found = 1 / (1 + SPREAD_A * distance ** (2 * SPREAD_B))
    assert np.abs(found - wanted).max() < 0.06
    assert np.mean((found - wanted) ** 2) < 1e-3


def test_neighbours_are_kept_as_well_as_umap_learn_keeps_them_and_better_than_by_principal_components():
    """umap-learn 0.5.12, `UMAP(random_state=0)`: trustworthiness of 15 neighbours .9227."""
    features = load_breast_cancer().data
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    kept = trustworthiness(features, laid_out(features, seed=0), n_neighbors=15)
    assert kept > 0.9227 - 0.01
    assert kept > trustworthiness(features, PCA(2).fit_transform(features), n_neighbors=15) + 0.02


def test_the_same_seed_gives_the_same_map_and_another_another():
    features = load_breast_cancer().data[:80]
    first, again, other = (laid_out(features, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("cases", [4, 16])
def test_few_equal_and_flat_cases_have_places(cases, monkeypatch):
    monkeypatch.setattr(umap, "_EPOCHS", (50, 50))
    generator = np.random.default_rng(0)
    for vectors in (
        np.zeros((cases, 3)),
        np.repeat(generator.normal(size=(2, 3)), cases, axis=0)[:cases],
        np.linspace(0, 1, cases)[:, None],
    ):
        places = laid_out(vectors, seed=0)
        assert places.shape == (cases, 2)
        assert np.isfinite(places).all()


def test_each_case_is_the_first_of_its_own_neighbours():
    vectors = np.repeat(np.arange(4.0), 5)[:, None]
    distances, found = nearest(vectors, 4)
    assert np.array_equal(found[:, 0], np.arange(20))
    assert all(len(set(row)) == 4 for row in found.tolist())
    assert distances[:, :].max() == 0
