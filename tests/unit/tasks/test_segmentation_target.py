"""Masks become labels, regions, or refusals."""

from dataclasses import replace

import numpy as np
import pytest

from osler.core.errors import StudyError
from osler.tasks.segmentation import Segmentation
from osler.tasks.segmentation.lookup import classes, regions
from tests.unit.tasks.masks import columns, hippocampus, lgg

TASK = Segmentation()


@pytest.fixture(scope="module")
def heads(data):
    return [hippocampus(data, number)[None] for number in ("003", "006", "007", "015", "017")]


def read(masks, *, names=("mask",), info=None, present=None, **settings):
    return TASK.marked(columns(masks, present=present), names=names, settings=settings, info=info)


def test_labels_are_found_in_real_masks(heads):
    target, refusals = read(heads)
    assert not refusals
    assert target.info == {
        "kind": "exclusive", "names": ["label 1", "label 2"], "values": [[1], [2]], "channel": [0, 0], "known": [[1, 2]],
        "field": "mask", "channels": 1, "axes": 3,
    }  # fmt: skip
    assert target.values.tolist() == [[int((m == 1).sum()), int((m == 2).sum())] for m in heads]
    assert TASK.width(target.info) == 3
    assert TASK.needs(target.info) == "map"


def test_names_join_values_and_regions_overlap(heads):
    target, _ = read(heads, labels={"anterior": 1, "posterior": [2]})
    assert target.info["names"] == ["anterior", "posterior"]
    joined, _ = read(heads, labels={"hippocampus": [1, 2]})
    assert joined.info["values"] == [[1, 2]]
    assert TASK.width(joined.info) == 2
    parts, _ = read(heads, labels={"anterior": 1, "posterior": 2}, regions={"whole": ["anterior", 2], "front": ["anterior"]})
    assert (parts.info["kind"], parts.info["names"], parts.info["values"]) == ("overlapping", ["whole", "front"], [[1, 2], [1]])
    assert TASK.width(parts.info) == 2
    assert parts.values[:, 0].tolist() == joined.values[:, 0].tolist()


def test_each_of_several_masks_is_a_region(heads):
    pairs = [np.concatenate([(m == 1).astype(np.uint8), (m > 0).astype(np.uint8) * 7]) for m in heads]
    target, refusals = read(pairs, names=("front", "whole"))
    assert not refusals
    assert (target.info["kind"], target.info["names"], target.info["channel"]) == ("overlapping", ["front", "whole"], [0, 1])
    assert target.values.tolist() == [[int((m == 1).sum()), int((m > 0).sum())] for m in heads]
    renamed, _ = read(pairs, names=("front", "whole"), labels={"a": 1, "b": 1})
    assert renamed.info["names"] == ["a", "b"]


def test_pictures_have_two_axes(data):
    masks, _ = lgg(data, 2)
    target, refusals = read([m[None] for m in masks])
    assert target.info["axes"] == 2
    assert not refusals  # a slice without a tumour is a case like any other
    assert (target.values[:, 0] == 0).any()
    assert target.observed.all()


def test_masks_that_say_nothing_or_something_else_are_refused(heads):
    strange = heads[0].copy()
    strange[strange == 2] = 9
    unmarked = np.full_like(heads[0], 255)
    empty = np.zeros_like(heads[0])
    target, refusals = read([*heads, strange, unmarked, empty], labels={"anterior": 1, "posterior": 2})
    assert {row: r.code for row, r in refusals.items()} == {5: "unknown_label", 6: "no_marks"}
    assert "not among the labels" in refusals[5].sentence
    assert "9" not in refusals[5].sentence
    assert target.observed.all(axis=1).tolist() == [True] * 5 + [False, False, True]


def test_a_missing_mask_is_no_target_and_a_missing_image_is_no_business_of_the_task(heads):
    cols = columns([*heads, heads[0], heads[0]], present=np.array([True] * 6 + [False]))
    counts = np.array(cols["counts"])
    counts[5:] = 0
    target, refusals = TASK.marked(replace(cols, arrays={**cols.arrays, "counts": counts}), names=("mask",), settings={})
    assert {row: r.code for row, r in refusals.items()} == {5: "no_target"}
    assert not target.observed[5:].any()


def test_a_bundles_labels_hold_for_new_masks(heads):
    info = read(heads)[0].info
    strange = np.where(heads[0] == 2, 3, heads[0]).astype(np.uint8)
    target, refusals = read([heads[1], strange], info=info)
    assert {row: r.code for row, r in refusals.items()} == {1: "unknown_label"}
    assert target.info is info
    with pytest.raises(StudyError, match="have 2 channels, 1 are wanted"):
        read([np.concatenate([heads[0]] * 2)], info=info)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": {"a": 1, "b": 2, "c": 3}}, "no mask holds label 'c'; the masks hold the values 0, 1, 2"),
        ({"labels": {"a": 1, "b": [1, 2]}}, "value 1 belongs to more than one label"),
        ({"labels": {"a": 255}}, "label 'a' cannot be 255; wanted a whole number from 1 to 254"),
        ({"labels": {"a": True}}, "label 'a' cannot be True"),
        ({"labels": [1, 2]}, "'target.labels' cannot be a list; write names with values"),
        ({"labels": {"a": []}}, "'target.labels' gives 'a' no value"),
        (
            {"labels": {"front": 1, "back": 2}, "regions": {"x": ["frnt"]}},
            "region 'x' holds no label 'frnt'; did you mean 'front'?",
        ),
        ({"labels": {f"l{v}": v for v in range(1, 70)}}, "69 labels are more than 64"),
    ],
)
def test_settings_that_cannot_be_are_faults_of_the_study(heads, settings, message):
    with pytest.raises(StudyError) as raised:
        read(heads, **settings)
    assert message in str(raised.value)


def test_masks_without_any_label_are_a_fault():
    with pytest.raises(StudyError, match="no mask holds a label"):
        read([np.zeros((1, 4, 4, 4), np.uint8)] * 3)


def test_tables_of_values():
    info = {"kind": "exclusive", "values": [[1], [4, 5]], "channel": [0, 0]}
    table = classes(info)
    assert table[[0, 1, 4, 5, 255, 2]].tolist() == [0, 1, 2, 2, 255, 255]
    parts = regions({"values": [[1, 2], []]})
    assert parts[:, [0, 1, 2, 3, 254, 255]].tolist() == [
        [False, True, True, False, False, False],
        [False, True, True, True, True, False],
    ]


def test_the_split_keeps_rare_labels_in_equal_shares():
    masks = [np.full((1, 3, 3), v, np.uint8) for v in (1, 1, 1, 2, 0)]
    masks[3][0, 0, 0] = 1
    target, _ = read(masks)
    stratum = TASK.stratum(target)
    assert stratum[0] == stratum[1] == stratum[2]
    assert len({int(s) for s in stratum}) == 3
    facts = TASK.facts(target, np.arange(5))
    assert (facts["cases"], facts["holding"]) == (5, [4, 1])
