"""Which places count: the body, not the air, on real heads and on drawn ones."""

import numpy as np
import pytest

from osler.generation.translation.inside import ends, inside


def test_air_of_real_heads_does_not_count(data):
    with np.load(data / "images" / "lgg_mri_50.npz") as file:
        slices = file["images"][400:420].astype(np.float32)
    for one in slices:
        source, target = one[None, ..., 0], one[None, ..., 1]
        body = inside([source, target], share=0.1)
        assert 0.1 < body.mean() < 0.75
        air = target[0][~body]
        assert np.percentile(air, 90) < 0.2 * np.percentile(target[0][body], 90)
        corners = np.array([body[0, 0], body[0, -1], body[-1, 0], body[-1, -1]])
        assert not corners.any()


def test_holes_count_and_specks_do_not():
    image = np.zeros((1, 40, 40), np.float32)
    image[0, 10:30, 10:30] = 100
    image[0, 18:22, 18:22] = 0  # a ventricle
    image[0, 2:4, 2:4] = 100  # a speck
    body = inside([image], share=0.1)
    assert body[20, 20]
    assert not body[2, 2]
    assert 0.2 < body.mean() < 0.4


def test_each_image_has_a_say_and_a_constant_one_has_none():
    left, right = np.zeros((2, 1, 20, 20), np.float32)
    left[0, 4:16, 2:9], right[0, 4:16, 9:18] = 50, 1000
    both = inside([left, right], share=0.1)
    assert both[10, 4]
    assert both[10, 14]
    assert not inside([np.full((1, 8, 8), 7.0)], share=0.1).any()
    assert inside([np.full((1, 8, 8), 7.0)], share=0).all(), "a share of 0 counts every place"


def test_the_unit_does_not_matter():
    draws = np.random.default_rng(0)
    image = draws.normal(size=(1, 30, 30)).astype(np.float32)
    image[0, 8:22, 8:22] += 20
    assert np.array_equal(inside([image], share=0.1), inside([image * 55 - 1000], share=0.1))


def test_a_volume_is_filled_slice_by_slice():
    image = np.zeros((1, 12, 12, 5), np.float32)
    image[0, 2:10, 2:10, :] = 9
    image[0, 5:7, 5:7, :] = 0  # a tube that is open above and below
    assert inside([image], share=0.1)[5, 5].all()


def test_ends_are_percentiles():
    assert ends(np.arange(201.0)) == pytest.approx((1.0, 199.0))
