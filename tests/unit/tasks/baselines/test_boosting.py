"""Gradient boosting, and what its files tell."""

from __future__ import annotations

import re

import lightgbm
import numpy as np
import pytest

from osler.tasks.baselines.boosting import boosted_raw, configurations, train
from osler.tasks.baselines.trees import check_forest, scrubbed


@pytest.fixture(scope="module")
def booster():
    draw = np.random.default_rng(0)
    matrix = np.column_stack([draw.normal(size=400), draw.integers(0, 4, 400)]).astype(np.float32)
    matrix[7, 0], matrix[8] = 987654.25, np.nan
    values = (np.nan_to_num(matrix[:, 0]) + (matrix[:, 1] == 2) > 0.3).astype(float)
    settings = {**configurations(400, columns=2, effort=1)[0], "categorical": [1], "seed": 0, "num_threads": 1}
    model, _ = train("binary", matrix, values, width=1, weight=np.ones(400), settings=settings, rounds=60)
    return model, matrix


def test_scrubbed_text_tells_no_range_and_predicts_the_same(booster):
    model, _ = booster
    whole = model.model_to_string()
    text = scrubbed(whole)
    assert "987654.25" in whole
    assert "987654" not in text
    assert "[learning_rate" not in text
    unseen = np.random.default_rng(1).normal(size=(500, 2)).astype(np.float32) * 3
    unseen[:, 1] = np.abs(unseen[:, 1]).round()
    unseen[:50, 0], unseen[40:90, 1] = np.nan, np.nan
    again = lightgbm.Booster(model_str=text)
    assert np.array_equal(boosted_raw(model, unseen, threads=1), boosted_raw(again, unseen, threads=1))


def test_the_held_out_loss_falls_and_stops_the_training(booster):
    _, matrix = booster
    values = (np.nan_to_num(matrix[:, 0]) > 0).astype(float)
    settings = {**configurations(300, columns=2, effort=1)[0], "categorical": [1], "seed": 0, "num_threads": 1}
    held = (matrix[300:], values[300:], np.ones(100))
    model, curve = train("binary", matrix[:300], values[:300], width=1, weight=np.ones(300), settings=settings, rounds=400,
                         held_out=held)  # fmt: skip
    assert min(curve) < 0.5 * curve[0]
    assert len(curve) < 400 or model.current_iteration() < 400  # it stopped, or there was nothing left to split


@pytest.mark.parametrize(("cases", "columns"), [(30, 10), (500, 30), (50_000, 30), (38, 7129)])
def test_effort_says_how_many_settings_are_tried(cases, columns):
    assert len(configurations(cases, columns=columns, effort=1)) == 1
    assert len(configurations(cases, columns=columns, effort=99)) == (1 if columns > 1000 else 4)


def test_a_sound_forest_passes_and_every_harmed_line_is_refused(booster):
    text = scrubbed(booster[0].model_to_string())
    check_forest(text, features=2, width=1)
    with pytest.raises(ValueError, match="max_feature_idx"):
        check_forest(text, features=3, width=1)
    with pytest.raises(ValueError, match="num_class"):
        check_forest(text, features=2, width=2)
    places = [text.index(f"\n{name}=") + len(name) + 2 for name in (
        "num_class", "max_feature_idx", "feature_infos", "tree_sizes", "num_leaves", "num_cat", "split_feature", "threshold",
        "decision_type", "left_child", "right_child", "leaf_value", "leaf_count", "is_linear", "shrinkage",
    )]  # fmt: skip
    for place in places:
        for harm in ("9", "nan", "-", "1e999 ", "\n", "\x00"):
            with pytest.raises(ValueError, match="not a forest"):
                check_forest(text[:place] + harm + text[place:], features=2, width=1)


@pytest.mark.parametrize(
    ("line", "harm"),
    [
        ("left_child", lambda v: [0, *v[1:]]),  # a circle: the first split is its own child
        ("left_child", lambda v: [*v[:-1], -1 - len(v)]),  # a child with two parents, and one with none
        ("split_feature", lambda v: [2, *v[1:]]),
        ("cat_boundaries", lambda v: [0, *(b + 1 for b in v[1:])]),
        ("cat_boundaries", lambda v: [*v[:-1], 2**31]),
    ],
)
def test_a_number_out_of_its_place_is_refused(booster, line, harm):
    text = scrubbed(booster[0].model_to_string())
    start = text.index(f"\n{line}=") + len(line) + 2
    stop = text.index("\n", start)
    changed = " ".join(map(str, harm([int(v) for v in text[start:stop].split()])))
    grown = len(changed) - (stop - start)
    tree = text.count("\nTree=", 0, start) - 1
    sizes = text[text.index("tree_sizes=") + 11 : text.index("\n\nTree=0")].split()
    right = [str(int(s) + grown * (n == tree)) for n, s in enumerate(sizes)]
    harmed = (text[:start] + changed + text[stop:]).replace(" ".join(sizes), " ".join(right), 1)
    with pytest.raises(ValueError, match=r"not a forest: (children|split_feature|cat_)"):
        check_forest(harmed, features=2, width=1)


def test_a_split_between_missing_and_known_cells_is_a_forest():
    """LightGBM writes its threshold as inf; a column that is told by its gaps alone makes one."""
    generator = np.random.default_rng(0)
    values = (np.arange(400) % 2).astype(float)
    gaps = np.where(values == 1, np.nan, generator.normal(size=400))
    matrix = np.stack([gaps, generator.normal(size=400)], axis=1).astype(np.float32)
    settings = {**configurations(400, columns=2, effort=1)[0], "categorical": [], "seed": 0, "num_threads": 1}
    booster, _ = train("binary", matrix, values, width=1, weight=np.ones(400), settings=settings, rounds=30)
    text = scrubbed(booster.model_to_string())
    assert "inf" in " ".join(re.findall(r"^threshold=(.*)$", text, flags=re.MULTILINE))
    check_forest(text, features=2, width=1)
