"""What can be said without pairs: distances of intensities, and a translator that collapsed."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from osler.generation.translation.translating import Translating
from osler.generation.translation.unlike import FLAT, GRID, _away, _held, _mean, _range
from tests.unit.generation.translation.sides import UNIT, heads, plan


@pytest.fixture(scope="module")
def by():
    return Translating(None, (UNIT, UNIT), plan(), "uint8")


def held(by, image):
    return _held(by, UNIT.lifted(image.astype(np.float32)), image[0] > 30)


def test_the_distance_is_wassersteins(by):
    first, second = heads(2)[0][0], heads(2)[1][1]
    ours = _away(held(by, first), held(by, second))
    assert ours == pytest.approx(wasserstein_distance(first[0][first[0] > 30], second[0][second[0] > 30]), rel=0.05)
    assert _away(held(by, first), held(by, first)) == 0


def test_the_middle_of_distributions(by):
    images = heads(5)[0]
    middle = _mean(held(by, image) for image in images)
    assert middle.shape == (1, len(GRID))
    assert _away(held(by, images[0]), middle) < 20


def test_one_grey_is_a_collapse(by):
    image = heads(1)[0][0]
    grey = np.where(image > 30, 120, 0).astype(np.uint8)
    assert _range(held(by, grey)) < FLAT * _range(held(by, image))
    assert _range(held(by, (image * 0.4).astype(np.uint8) + 31)) > FLAT * _range(held(by, image))
