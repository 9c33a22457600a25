"""Boosted trees on single places."""

import numpy as np
import pytest
from scipy import ndimage

from osler.core.errors import BundleError
from osler.core.features import Features
from osler.core.target import Target
from osler.tasks.segmentation import Segmentation
from tests.unit.tasks.masks import hippocampus

TASK = Segmentation()
INFO = {"kind": "exclusive", "names": ["front", "back"], "values": [[1], [2]], "channel": [0, 0], "channels": 1, "axes": 3,
        "known": [[1, 2]], "field": "mask"}  # fmt: skip
WHOLE = {**INFO, "kind": "overlapping", "names": ["whole", "back"], "values": [[1, 2], [2]]}
NAMES = ("blurred", "wide", "i", "j", "k")


@pytest.fixture(scope="module")
def lines(data):
    """Features, values and heads of sampled places: a blurred outline and positions."""
    rng, matrices, values, groups = np.random.default_rng(0), [], [], []
    for number, name in enumerate(("003", "006", "007", "015", "017", "019")):
        head = hippocampus(data, name)
        image = (head > 0) + rng.normal(0, 0.3, head.shape)
        maps = [ndimage.gaussian_filter(image, s) for s in (1, 3)] + [g / 40 for g in np.indices(head.shape)]
        places = rng.choice(head.size, 4000, replace=False)
        matrices.append(np.stack([m.reshape(-1)[places] for m in maps], 1).astype(np.float32))
        values.append(head.reshape(-1)[places].astype(float))
        groups.append(np.full(4000, number))
    return np.concatenate(matrices), np.concatenate(values), np.concatenate(groups)


def fitted(lines, info, *, rows=slice(None), observed=None):
    matrix, values, groups = (part[rows] for part in lines)
    features = Features(matrix, groups, NAMES, np.zeros(len(NAMES), bool), places=np.arange(len(matrix)))
    seen = np.ones((len(values), 1), bool) if observed is None else observed
    return TASK.baseline(features, Target(values[:, None], seen, info), groups=groups, plan={"fit.threads": 1}, seed=3)


def test_trees_tell_labels_apart_and_come_back_from_their_files(lines):
    model = fitted(lines, INFO, rows=lines[2] < 5)
    test = lines[2] == 5
    raw = model.raw(lines[0][test])
    assert raw.shape == (4000, 3)
    assert raw.sum(1) == pytest.approx(0, abs=1e-9)
    marked, truth = raw.argmax(1), lines[1][test]
    for label in (1, 2):
        m, t = marked == label, truth == label
        assert 2 * (m & t).sum() / (m.sum() + t.sum()) > 0.6
    again = TASK.restore(model.files())
    assert np.array_equal(again.raw(lines[0][test]), raw)
    assert "LightGBM on single places" in model.sentence()
    with pytest.raises(BundleError):
        TASK.restore({})


def test_the_same_seed_gives_the_same_trees(lines):
    one, other = (fitted(lines, INFO, rows=lines[2] < 3).files() for _ in range(2))
    assert one == other


def test_each_region_has_trees_of_its_own(lines):
    model = fitted(lines, WHOLE)
    raw = model.raw(lines[0])
    assert raw.shape == (24000, 2)
    assert ((raw[:, 0] > 0) == (lines[1] > 0)).mean() > 0.95
    assert ((raw[:, 1] > 0) == (lines[1] == 2)).mean() > 0.95
    assert (raw[lines[1] == 1, 0] > raw[lines[1] == 1, 1]).mean() > 0.9


def test_places_that_nobody_looked_at_teach_nothing(lines):
    matrix, values, groups = lines
    hidden = values == 2
    model = fitted((matrix, np.where(hidden, 255, values), groups), INFO)
    assert (model.raw(matrix).argmax(1) == 2).mean() < 0.01
    unseen = fitted(lines, INFO, observed=~hidden[:, None])
    assert np.array_equal(unseen.raw(matrix), model.raw(matrix))


def test_where_nothing_can_be_learned_all_places_are_alike(lines):
    matrix, values, groups = lines
    model = fitted((matrix[:30], values[:30] * 0, groups[:30]), INFO)
    raw = model.raw(matrix[:5])
    assert (raw == raw[0]).all()
    assert raw[0].argmax() == 0
    assert "nothing to learn" in model.sentence()


def test_trees_are_few(lines):
    text = fitted(lines, INFO).files()["boosting-0.txt"].decode()
    assert 0 < text.count("Tree=") <= 60 * 3
