"""Distances between sets of pictures, against scipy and against what is known."""

import numpy as np
import pytest
import scipy.linalg

from osler.generation.synthesis.fidelity import copies
from osler.generation.synthesis.frechet import frechet, joint
from osler.generation.synthesis.neighbours import closer, distances, likeness, nearest, variety
from osler.generation.synthesis.readers import Pictures


def draws(seed, count=400, width=6):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, width)) @ generator.normal(size=(width, width)) + generator.normal(size=width)


def test_frechet_agrees_with_the_root_of_a_matrix():
    """The formula as it is written down, by scipy.linalg.sqrtm (scipy 1.17)."""
    one, other = draws(0), draws(1)
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second)
    told = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root.real)
    assert frechet(one, other) == pytest.approx(told, rel=1e-8)
    assert frechet(one, other) == pytest.approx(frechet(other, one), rel=1e-9)


def test_frechet_of_two_normals_on_a_line():
    """(μ - ν)² + (σ - τ)²: exact values with n - 1 in the variance, (3 - 1)² + (2 √(5/3) - √(5/3))² = 5.6667 with spreads 2 and 1 times."""
    base = np.array([-1.5, -0.5, 0.5, 1.5])[:, None]
    assert frechet(base + 1, 2 * base + 3) == pytest.approx(4 + 5 / 3)


def test_a_set_lies_on_itself_and_flat_sets_have_no_spread():
    one = draws(2)
    assert frechet(one, one) == pytest.approx(0, abs=1e-9)
    assert frechet(np.zeros((5, 3)), np.ones((5, 3))) == pytest.approx(3)
    assert frechet(np.zeros((1, 2)), np.zeros((1, 2))) == 0


def test_fewer_dimensions_than_cases_are_borne():
    """40 cases of 60 numbers: covariances without full rank, where a root of their product would be complex."""
    one, other = np.random.default_rng(0).normal(size=(2, 40, 60))
    assert 0 < frechet(one, other) < 1000


def test_swapped_classes_are_far_only_jointly():
    vectors, classes = draws(3), np.arange(400) % 2
    assert frechet(vectors, vectors) == pytest.approx(0, abs=1e-9)
    moved = vectors + 5 * classes[:, None]
    right, wrong = (joint(moved, told, count=2, scale=5.0) for told in (classes, 1 - classes))
    assert frechet(right, right) == pytest.approx(0, abs=1e-6)
    assert frechet(right, wrong) > 10


def test_nearest_agrees_with_all_distances():
    one, other = draws(4, 30), draws(5, 50)
    every = np.sqrt(((one[:, None] - other[None]) ** 2).sum(2))
    assert np.allclose(distances(one, other), every)
    far, which = nearest(one, other, rank=2)
    assert np.allclose(far, np.sort(every, axis=1)[:, 2])
    assert (which == np.argsort(every, axis=1)[:, 2]).all()


def test_likeness_of_the_same_of_half_and_of_none():
    generator = np.random.default_rng(6)
    left, right, far = (generator.normal(m, 0.2, (200, 2)) for m in ([0, 0], [3, 3], [90, 90]))
    real = np.concatenate([left, right])
    same = likeness(real, np.concatenate([generator.normal(m, 0.2, (200, 2)) for m in ([0, 0], [3, 3])]))
    assert min(same.values()) > 0.9
    half = likeness(real, np.concatenate([left + 0.01, left - 0.01]))  # one of two kinds alone: true to life, and not varied
    assert half["precision"] > 0.95
    assert half["recall"] == pytest.approx(0.5, abs=0.05)
    assert half["coverage"] == pytest.approx(0.5, abs=0.05)
    assert max(likeness(real, far).values()) == 0


def test_one_odd_case_raises_precision_but_not_density():
    """Naeem et al. 2020, section 3.1: the ball of an outlier reaches far, and holds what was made between."""
    generator = np.random.default_rng(7)
    real = np.concatenate([generator.normal(0, 0.1, (200, 2)), [[10, 10]]])
    made = generator.normal(5, 0.1, (200, 2))
    found = likeness(real, made)
    assert found["precision"] == 1
    assert found["density"] <= 1 / 5 + 1e-9


def test_variety_tells_one_picture_over_and_over():
    real = draws(8)
    assert variety(real, draws(8)[::-1]) == pytest.approx(1)
    assert variety(real, np.repeat(real[:1], 400, axis=0)) == 0
    assert variety(real, np.repeat(real[:8], 50, axis=0)) == 0, "eight pictures over and over"
    assert variety(real, real.mean(0) + 0.05 * (real - real.mean(0))) == pytest.approx(0.05)


def test_closer_is_one_half_of_equals():
    far = np.random.default_rng(9).uniform(size=500)
    assert closer(far, far) == pytest.approx(0.5)
    assert closer(far - 2, far) == 1
    assert closer(far + 2, far) == 0


def test_copies_are_seen_though_they_are_brighter_and_new_ones_are_not():
    generator = np.random.default_rng(10)
    kinds = generator.normal(size=(4, 1, 8, 8))
    drawn = [
        Pictures(100 + 20 * (kinds[np.arange(n) % 4] + 0.5 * generator.normal(size=(n, 1, 8, 8))), np.zeros(n, np.int64))
        for n in (200, 100, 100)
    ]
    training, unseen, new = drawn
    seen = lambda pictures: pictures.pixels.reshape(len(pictures), -1)  # noqa: E731
    assert not copies(new, training, unseen, seen=seen).told
    assert copies(new, training, unseen, seen=seen).closer["pixels"] == pytest.approx(0.5, abs=0.15)
    copied = Pictures(training.pixels[:100] * 1.1 + 4, training.classes[:100])
    found = copies(copied, training, unseen, seen=seen)
    assert found.told
    assert found.near["pixels"] == 1
    assert (found.partners == np.arange(100)).all()
