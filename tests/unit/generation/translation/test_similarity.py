"""Likeness of images: equal to scikit-image, and laws."""

import numpy as np
import pytest
import torch

from osler.generation.translation.losses import unlikeness
from osler.generation.translation.similarity import decibels, errors, structural


def pair():
    i, j = np.mgrid[:32, :24]
    first = (np.sin(i / 3) * 60 + np.cos(j / 4) * 50 + 120).round()
    return first, (first * 0.9 + 10 * np.sin(i * j / 17)).round()


def test_it_equals_scikit_image():
    # scikit-image 0.26.0: structural_similarity(a, b, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    # full=True) on `pair()`, and peak_signal_noise_ratio(a, b, data_range=255)
    first, second = pair()
    found = structural(first, second, span=255)
    assert found[5:-5, 5:-5].mean() == pytest.approx(0.93871433537405, abs=1e-12)  # scikit-image leaves the rim out of its mean
    assert found.mean() == pytest.approx(0.9471615624030418, abs=1e-12)
    assert found[0, 0] == pytest.approx(0.9905879415896632, abs=1e-12)
    assert found[16, 12] == pytest.approx(0.9281464041260624, abs=1e-12)
    assert decibels(errors(first, second)[1], span=255) == pytest.approx(25.03380899018692, abs=1e-9)


def test_laws_of_likeness():
    first, second = pair()
    assert structural(first, first, span=255) == pytest.approx(np.ones_like(first), abs=1e-12)
    assert structural(first, second, span=255) == pytest.approx(structural(second, first, span=255), abs=1e-12)
    assert structural(2 * first, 2 * second, span=510) == pytest.approx(structural(first, second, span=255), abs=1e-12)
    assert structural(first, 255 - first, span=255).mean() < 0, "the inverse is unlike"
    assert decibels(0.0, span=255) == np.inf
    assert errors(first, first + 2) == (2.0, 4.0)


def test_slices_are_measured_each_by_itself():
    first, second = pair()
    both = structural(np.stack([first, second]), np.stack([second, second]), span=255)
    assert both[0] == pytest.approx(structural(first, second, span=255), abs=1e-12)
    assert both[1] == pytest.approx(1, abs=1e-12)


def test_the_loss_is_what_the_measure_lacks_away_from_rims():
    first, second = (torch.from_numpy(one / 127.5 - 1).float()[None, None] for one in pair())
    weight = torch.zeros(1, 1, 32, 24)
    weight[..., 6:-6, 6:-6] = 1
    measured = structural(first[0, 0].numpy(), second[0, 0].numpy(), span=2)[6:-6, 6:-6].mean()
    assert float(unlikeness(first, second, weight)) == pytest.approx(1 - measured, abs=1e-5)
    assert float(unlikeness(first, first, weight)) == pytest.approx(0, abs=1e-6)
