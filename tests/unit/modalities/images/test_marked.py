"""Cases on a grid drawn under their marks: which slices, which way round, outlines that hold what they go around."""

import re

import numpy as np
import pytest

from osler.core.marks import UNMARKED
from osler.modalities.images.explain.contour import outlines, path
from osler.modalities.images.explain.marked import COLOURS, grid_picture, planes


def area(loops):
    """Places inside closed lines: outer ones count up, holes down (the shoelace formula)."""
    total = 0.0
    for loop in loops:
        row, column = np.array(loop, float).T
        total += 0.5 * (column * np.roll(row, -1) - row * np.roll(column, -1)).sum()
    return total


@pytest.mark.parametrize("seed", range(8))
def test_outlines_hold_as_many_places_as_are_marked(seed):
    inside = np.random.default_rng(seed).random((13, 9)) < 0.5
    loops = outlines(inside)
    assert area(loops) == inside.sum()
    for loop in loops:
        steps = np.array(loop) - np.roll(loop, 1, axis=0)
        assert ((steps == 0).sum(axis=1) == 1).all()  # each side runs along one axis


def test_pieces_that_touch_at_a_corner_and_holes_have_lines_of_their_own():
    assert len(outlines(np.eye(3, dtype=bool))) == 3
    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    assert sorted(map(area, ([loop] for loop in outlines(ring)))) == [-1, 9]
    assert outlines(np.zeros((4, 4), bool)) == []


def test_a_path_is_scaled():
    assert path(outlines(np.ones((2, 1), bool)), down=3, across=5) == "M0.0 0.0L5.0 0.0L5.0 6.0L0.0 6.0Z"


def volume(shape=(6, 8, 10)):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(1, *shape)


def marks(shape, *boxes):
    out = np.zeros((1, *shape), np.uint8)
    for label, box in boxes:
        out[0][box] = label
    return out


def test_a_volume_is_cut_where_most_is_wrong_else_where_most_is_marked_else_in_the_middle():
    shape = (6, 8, 10)
    truth = marks(shape, (1, np.s_[1:5, 2:7, 3:9]))
    wrong = truth.copy()
    wrong[0, 4, 6, 3:8] = 2
    wrong[0, 4, 5, 7] = 2
    assert planes(wrong, truth, shape) == (4, 6, 7)
    wrong[truth == 0] = 0
    unseen = truth.copy()
    unseen[0, 4, 5:7] = UNMARKED  # nobody looked there: nothing is wrong
    assert planes(wrong, unseen, shape) == planes(unseen, unseen, shape) == (1, 2, 3)
    assert planes(None, None, shape) == (3, 4, 5)


def test_volumes_lie_as_radiologists_look_at_them_and_in_their_proportions():
    svg = grid_picture(volume(), None, None, spacing=(1, 2, 4))
    assert re.findall(r">([RLAPSI])<", svg) == list("RLAP" + "RLSI" + "APSI")
    sizes = [(float(w), float(h)) for w, h in re.findall(r'<image x="0" y="0" width="([\d.]+)" height="([\d.]+)"', svg)]
    unit = 220 / 40
    assert sizes == [
        pytest.approx(size, abs=0.06) for size in ((6 * unit, 16 * unit), (6 * unit, 40 * unit), (16 * unit, 40 * unit))
    ]


def test_the_right_front_top_corner_lies_at_the_left_and_top():
    shape = (4, 5, 6)
    corner = marks(shape, (1, np.s_[3, 4, 5]))  # right, anterior, superior
    svg = grid_picture(volume(shape), corner, None, spacing=(1, 1, 1))
    groups = svg.split("<g ")[1:]
    starts = [re.search(r'd="M([\d.]+) ([\d.]+)', group).groups() for group in groups]
    assert starts == [("0.0", "0.0")] * 3  # of the sagittal one anterior is at the left


def test_predicted_marks_are_filled_and_true_ones_broken_each_label_in_its_colour():
    shape = (6, 6, 6)
    both = marks(shape, (1, np.s_[1:4, 1:4, 1:4]), (2, np.s_[4:6, 1:4, 1:4]))
    svg = grid_picture(volume(shape), both, both[:, ::-1], spacing=(1, 1, 1), names={1: "a <b>", 2: "c"})
    for colour in COLOURS[:2]:
        assert f'fill="{colour}" fill-opacity' in svg
        assert f'stroke="{colour}" stroke-width="1.6" stroke-dasharray' in svg
    assert COLOURS[2] not in svg
    assert ">a &lt;b&gt;</text>" in svg


def test_regions_of_several_channels_are_labels_by_their_place():
    shape = (6, 6)
    several = np.concatenate([marks(shape, (1, np.s_[1:5, 1:5])), marks(shape, (1, np.s_[2:4, 2:4])), marks(shape)])
    svg = grid_picture(np.zeros((3, *shape), np.uint8), several, None, spacing=(1, 1))
    assert svg.count("<image") == 2  # a picture stands beside itself
    assert re.findall(r'fill="currentColor">(\d)<', svg) == ["1", "2"]
    assert len(re.findall("<path", svg)) == 2


def test_a_mask_of_values_beside_regions_is_one_outline():
    shape = (6, 6)
    several = np.concatenate([marks(shape, (1, np.s_[1:5, 1:5])), marks(shape, (1, np.s_[2:4, 2:4]))])
    values = marks(shape, (4, np.s_[1:3, 1:3]), (1, np.s_[3:5, 3:5]))
    svg = grid_picture(np.zeros((1, *shape), np.uint8), several, values, spacing=(1, 1))
    assert re.findall(r'fill="currentColor">(\d)<', svg) == ["1", "2"]
    assert svg.count("stroke-dasharray") == 1


def test_odd_cases_are_drawn(data):
    flat = np.full((1, 3, 1, 1), np.nan, np.float32)
    assert grid_picture(flat, None, None, spacing=(1, 1, 1)).startswith("<svg")
    whole = np.full((1, 4, 4, 4), UNMARKED, np.uint8)
    assert "<path" not in grid_picture(volume((4, 4, 4)), whole * 0, whole, spacing=(1, 1, 1))
    slices = np.load(data / "images/lgg_mri_50.npz")
    at = int(slices["masks"].reshape(len(slices["masks"]), -1).sum(1).argmax())
    image, mask = np.moveaxis(slices["images"][at], -1, 0), (slices["masks"][at] > 0).astype(np.uint8)[None]
    svg = grid_picture(image, np.roll(mask, 5, axis=1), mask, spacing=(1, 1))
    assert svg.count("stroke-dasharray") == 1
    assert len(svg) < 120_000
