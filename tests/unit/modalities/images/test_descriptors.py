"""What pictures are described by: values of other software, and what any picture may be."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from osler.modalities.images.case import THUMB
from osler.modalities.images.encode.canvas import resized
from osler.modalities.images.encode.descriptors import described, names
from osler.modalities.images.encode.gradients import hog
from osler.modalities.images.encode.texture import pairs, patterns
from tests.unit.modalities.images.films import films


@pytest.fixture(scope="module")
def china():
    """A piece of a photograph inside scikit-learn, (1, 32, 32) uint8."""
    return load_sample_image("china.jpg")[130:162, 300:332, 1][None]


def test_gradients_are_those_of_other_software(china):
    # scikit-image 0.26.0: hog(china / 255, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2), block_norm="L2-Hys")
    found = hog(china.astype(np.float32) / 255, cell=8)[0]
    first = [0.15813, 0.08777, 0.38677, 0.38677, 0.38677, 0.21155, 0.05028, 0.0401, 0.07551]
    later = [0.11751, 0.0, 0.27522, 0.0, 0.23501, 0.0929, 0.0, 0.24927, 0.0]
    assert found.shape == (324,)
    assert found[:9] == pytest.approx(first, abs=1e-5)
    assert found[200:209] == pytest.approx(later, abs=1e-5)
    assert found.sum() == pytest.approx(37.788, abs=1e-3)


def test_patterns_are_those_of_other_software(china):
    # scikit-image 0.26.0: bincount(local_binary_pattern(china, 8, 1, "uniform")[1:-1, 1:-1]), on the integers themselves, and
    # on numbers of which no two neighbours are equal
    counts = patterns(china.astype(np.float32))[0] * 900
    assert counts == pytest.approx([35, 76, 10, 57, 35, 145, 50, 95, 249, 148], abs=1e-3)
    rough = china * 1000.0 + np.arange(1024).reshape(32, 32) * 37 % 1000
    assert patterns(rough)[0] * 900 == pytest.approx([88, 123, 40, 56, 113, 68, 46, 143, 72, 151], abs=1e-3)


def test_co_occurrence_is_that_of_other_software(china):
    # scikit-image 0.26.0: graycomatrix(floor(8 china / 255), [d], [0, 90°], [d √2], [45°, 135°], levels=8, symmetric=True),
    # added up, then graycoprops
    found = pairs(china.astype(np.float32) / 255)[0]
    near, far = [0.364055, 0.960979, 0.911618, 0.886987], [0.732258, 0.952608, 0.914568, 0.747353]
    assert found == pytest.approx(near + far, abs=1e-6)


def test_one_picture_is_described_as_among_many(data):
    pictures = films(data)[0][:40, None]
    many = described(pictures)
    for row, picture in enumerate(pictures):
        alone = described(picture[None])
        assert (alone.descriptors[0] == many.descriptors[row]).all()
        assert (alone.thumbnails[0] == many.thumbnails[row]).all()
        assert alone.hashes[0] == many.hashes[row]


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 1), (1, 2, 3), (1, 1, 700), (2, 300, 40), (1, 512, 512), (4, 28, 28)])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16"])
def test_every_shape_and_type_is_described_in_numbers(shape, dtype):
    top = np.iinfo(dtype).max
    noise = np.random.default_rng(0).integers(np.iinfo(dtype).min, top, (2, *shape), endpoint=True).astype(dtype)
    for pictures in (noise, np.zeros_like(noise), np.full_like(noise, top)):
        found = described(pictures)
        assert found.descriptors.shape == (2, len(names(shape)))
        assert np.isfinite(found.descriptors).all()
        assert found.thumbnails.shape == (2, THUMB, THUMB)


def test_names_are_different_and_say_what_they_are():
    for shape in ((1, 28, 28), (3, 64, 64)):
        told = names(shape)
        assert len(set(told)) == len(told) <= 500
        assert {name.partition(".")[0] for name in told} <= {"intensity", "histogram", "gradients", "texture", "channels"}


def test_form_does_not_depend_on_bits(data):
    pictures = films(data)[0][:50, None]
    eight, sixteen = described(pictures), described(pictures.astype(np.uint16) * 257)
    told = names((1, 28, 28))
    form = [at for at, name in enumerate(told) if not name.startswith("intensity.")]
    assert np.allclose(eight.descriptors[:, form], sixteen.descriptors[:, form], atol=1e-3)
    mean = told.index("intensity.mean")
    assert np.allclose(257 * eight.descriptors[:, mean], sixteen.descriptors[:, mean], rtol=1e-4)


def test_a_smaller_picture_holds_means_and_a_larger_one_the_same_values():
    pictures = np.arange(64.0).reshape(1, 8, 8)
    assert resized(pictures, (8, 8)) == pytest.approx(pictures)
    assert resized(pictures, (4, 4)).mean() == pytest.approx(pictures.mean(), rel=1e-5)
    assert resized(np.full((1, 3, 5), 7.0), (40, 2)) == pytest.approx(np.full((1, 40, 2), 7.0))
