"""Batches of slices: both sides alike, always the same for a seed, on the network's scale."""

import numpy as np
import pytest
import torch

from osler.generation.translation.pieces import Pieces
from osler.generation.translation.scale import Scale, ends_of
from osler.generation.translation.slices import Side, cut, stacked, unstacked
from osler.generation.translation.translating import Translating
from tests.unit.generation.translation.sides import UNIT, columns, heads, plan


def test_source_and_target_are_cut_and_mirrored_alike():
    sources, _ = heads(8, side=40)
    side = Side.of(columns(sources))
    pieces = Pieces((side, side), (UNIT, UNIT), plan())
    batch = pieces.paired(np.arange(8), seed=4)
    x, y = (batch.inputs[name].fields["picture"] for name in ("source", "target"))
    assert torch.equal(x, y)
    assert x.shape == (8, 1, 32, 32)
    assert torch.equal(x, pieces.paired(np.arange(8), seed=4).inputs["source"].fields["picture"])
    assert not torch.equal(x, pieces.paired(np.arange(8), seed=5).inputs["source"].fields["picture"])


def test_what_is_smaller_than_the_patch_lies_in_the_air():
    sources, targets = heads(2, side=20)
    pieces = Pieces((Side.of(columns(sources)), Side.of(columns(targets))), (UNIT, UNIT), plan())
    fields = pieces.paired(np.array([0]), seed=0, moved=False).inputs["source"].fields
    assert fields["known"].sum() == 400
    assert (fields["picture"][0, 0][~fields["known"][0, 0]] == -1).all()
    assert fields["picture"][0, 0][fields["known"][0, 0]].reshape(20, 20).numpy() == pytest.approx(
        sources[0][0] / 127.5 - 1, abs=1e-6
    )


def test_air_stays_air_in_another_light():
    sources, targets = heads(4)
    pieces = Pieces((Side.of(columns(sources)), Side.of(columns(targets))), (UNIT, UNIT), plan(translation__light=0.3))
    lit = pieces.paired(np.arange(4), seed=2).inputs["source"].fields["picture"]
    plain = Pieces(pieces.sides, pieces.scales, plan()).paired(np.arange(4), seed=2).inputs["source"].fields["picture"]
    assert (lit[plain == -1] == -1).all()
    assert not torch.equal(lit, plain)


def test_volumes_are_slices_with_their_neighbours():
    volume = np.arange(2 * 3 * 4).reshape(1, 2, 3, 4).astype(np.int16)
    middle = cut(volume, 1, beside=1)
    assert np.array_equal(middle, np.stack([volume[0, ..., k] for k in (0, 1, 2)]))
    assert np.array_equal(cut(volume, 0, beside=1)[0], volume[0, ..., 0]), "the outermost is its own neighbour"
    assert np.array_equal(unstacked(stacked(volume, beside=0), axes=3), volume)
    two = np.concatenate([volume, volume + 100])
    assert np.array_equal(cut(two, 2, beside=1)[:2], two[..., 1]), "channels of one slice lie beside one another"


def test_a_case_is_brought_from_its_own_range_to_the_studys():
    scale = Scale("case", (0.0,), (100.0,))
    image = np.random.default_rng(0).uniform(0, 1, (1, 30, 30)).astype(np.float32)
    brighter = image * 7 + 300
    first, second = (scale.lifted(scale.comparable(one, own=ends_of(one))) for one in (image, brighter))
    assert first == pytest.approx(second, abs=1e-4)
    assert scale.lowered(first) == pytest.approx(scale.comparable(image, own=ends_of(image)), abs=1e-4)
    assert np.percentile(first, [0.5, 99.5]) == pytest.approx([-1, 1], abs=1e-3)
    kept = Scale("study", (0.0,), (100.0,))
    assert np.array_equal(kept.comparable(brighter, own=ends_of(brighter)), brighter), "a unit is kept"


def test_an_image_of_air_with_one_bright_place_stays_within_measure():
    image = np.zeros((1, 40, 40), np.float32)
    image[0, 3, 3] = 900
    scale = Scale("case", (0.0,), (100.0,))
    assert scale.lifted(scale.comparable(image, own=ends_of(image))).max() == pytest.approx(19)


def test_values_stay_within_what_the_files_can_hold():
    by = Translating(torch.nn.Identity(), (UNIT, UNIT), plan(), "uint8")
    assert by.valued(np.array([[[-3.0, 0.0, 9.0]]], np.float32)).tolist() == [[[0, 128, 255]]]
    wide = Translating(torch.nn.Identity(), (UNIT, Scale("study", (-1000.0,), (2000.0,))), plan(), "int16")
    assert wide.valued(np.array([[[-1.0, 1.5]]], np.float32)).tolist() == [[[-1000, 2750]]], "no end of the range is a limit"


def test_a_mirror_symmetric_use_of_the_translator():
    class Shift(torch.nn.Module):
        def forward(self, x):
            return torch.roll(x, 1, 3)

    by = Translating(Shift(), (UNIT, UNIT), plan(), "float32")
    x = np.zeros((1, 4, 9), np.float32)
    x[0, :, 4] = 1
    made = by.translated(x)
    assert np.array_equal(made, made[..., ::-1])
