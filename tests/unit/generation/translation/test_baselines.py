"""Baselines that a network must beat: laws of each, and a regression that learns what a place alone can tell."""

import numpy as np
import pytest

from osler.generation.translation.baselines import features, learned, unlearned
from osler.generation.translation.inside import inside
from tests.unit.generation.translation.sides import UNIT, heads


@pytest.fixture(scope="module")
def pairs():
    sources, targets = heads(30, seed=3)
    return [(UNIT.lifted(s.astype(np.float32)), UNIT.lifted(t.astype(np.float32))) for s, t in zip(sources, targets, strict=True)]


@pytest.fixture(scope="module")
def baselines(pairs):
    return learned(lambda row: pairs[row], range(20), range(20, 25), share=0.1, seed=0)


def test_the_regression_learns_an_inversion_of_each_place(baselines, pairs):
    source, truth = pairs[27]
    body = inside([source], share=0.1)
    made = baselines.each(source)
    wrong = {name: np.abs(image - truth)[:, body].mean() for name, image in made.items()}
    assert wrong["places"] < 0.15 * wrong["identity"]
    assert wrong["places"] < 0.15 * wrong["histogram"], "whose ranks are those of the source"
    assert "features of each of" in baselines.told


def test_identity_and_histogram(baselines, pairs):
    source, _ = pairs[26]
    assert np.array_equal(baselines.identity(source), source)
    body = inside([source], share=0.1)
    matched = baselines.matched(source)
    inner, own = matched[0][body], source[0][body]
    assert (np.diff(inner[np.argsort(own, kind="stable")]) >= -1e-6).all(), "ranks stay"
    wanted = np.quantile(np.concatenate([t[0][inside([s, t], share=0.1)] for s, t in pairs[:20]]), [0.1, 0.5, 0.9])
    assert np.quantile(inner, [0.1, 0.5, 0.9]) == pytest.approx(wanted, abs=0.1)
    assert (matched[0][~body] == baselines.air[0]).all()
    two = np.concatenate([source, source + 0.2])
    assert baselines.identity(two) == pytest.approx(source + 0.1, abs=1e-6), "of other numbers of channels their mean"


def test_without_pairs_there_is_no_regression(pairs):
    found = unlearned(lambda row: pairs[row][1], range(20), share=0.1, seed=0)
    assert set(found.each(pairs[21][0])) == {"identity", "histogram"}


def test_features_say_where_a_place_lies(pairs):
    source, _ = pairs[0]
    body = inside([source], share=0.1)
    rows = features(source, body)
    assert rows.shape == (*body.shape, 11)
    i = np.argwhere(body).min(0)[0]
    assert rows[i, :, -3].max() == rows[i, :, -3].min() == 0
    assert rows[..., -2][body].min() == 0
    assert rows[..., -2][body].max() == 1
    assert rows[..., -1][~body].max() == 0
    volume = np.stack([source, source], axis=-1)
    assert features(volume, np.stack([body, body], axis=-1)).shape == (*body.shape, 2, 12)
