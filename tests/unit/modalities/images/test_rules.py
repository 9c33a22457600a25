"""Decisions on pictures follow from facts, and sizes from the pictures' size and number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osler.core.plan import Brief
from osler.core.target import Target
from osler.modalities.images.facts.mirror import mirrored
from osler.modalities.images.rules import ladder, rules
from osler.modalities.images.rules.sides import side_word

FACTS = {"shape": [1, 28, 28], "dtype": "uint8", "pictures": 4000, "unlike": 0.2, "mirror": {}}


def brief(*, cases=4000, target=None, private=False, **facts) -> Brief:
    found = target or {"names": ["label"], "classes": [["normal", "pneumonia"]]}
    return Brief({**FACTS, **facts}, found, "classification", "vector", "cpu", 2.0, cases, cases, private)


def ruled(**asked) -> dict[str, object]:
    return {d.name: d.value for d in rules(brief(**asked))}


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("left lung", "left"), ("LeftLung", "Left"), ("right_hand", "right"), ("Rechts", "Rechts"), ("coté droit", "coté"), ("höger", "höger"),
        ("izquierda", "izquierda"), ("левый глаз", "левый"), ("左肺", "左"), ("右侧", "右"), ("오른쪽", "오른"), ("aile", None),
        ("bright", None), ("pneumonia", None), ("cleft palate", None), ("upright", None), ("knee_L", "L"), ("OD", "OD"), ("الأيمن يمين", "يمين"),
    ],
)  # fmt: skip
def test_words_of_sides_are_found_whole(name, word):
    assert side_word([name]) == word


def measured(*, seen=0.97, kept=0.9, down=0.99, kept_down=0.9):
    return {"horizontal": {"seen": seen, "kept": kept}, "vertical": {"seen": down, "kept": kept_down}}


@pytest.mark.parametrize(
    ("facts", "flip", "rotate"),
    [
        ({"mirror": measured()}, "horizontal", 10.0),
        ({"mirror": measured(kept=-0.9)}, "none", 10.0),
        ({"mirror": measured(seen=0.5, down=0.5)}, "both", 180.0),
        ({"mirror": measured(seen=0.5, down=0.5, kept_down=-0.9)}, "horizontal", 10.0),
        ({"mirror": measured(seen=None, kept=None)}, "horizontal", 10.0),
        ({"target": {"names": ["side"], "classes": [["a", "b"]]}, "mirror": measured(seen=0.5, down=0.5)}, "none", 10.0),
        ({"target": {"names": ["eye"], "classes": [["左眼", "右眼"]]}}, "none", 10.0),
    ],
)
def test_pictures_are_mirrored_where_that_changes_nothing_of_the_target(facts, flip, rotate):
    found = ruled(**facts)
    assert (found["flip"], found["rotate"]) == (flip, rotate)
    assert found["views"] == ("none" if flip == "none" else "horizontal")


def pneumonia(data, cases=800):
    found = np.load(data / "images" / "pneumoniamnist.npz")
    return found["train_images"][:cases, None], found["train_labels"][:cases].astype(float)


def target_of(values: np.ndarray, kind="binary") -> Target:
    return Target(values, np.ones(values.shape, bool), {"kind": kind})


def test_real_radiographs_say_the_same_mirrored_and_have_an_up(data):
    pixels, labels = pneumonia(data)
    found = mirrored(pixels, target_of(labels))
    assert found["horizontal"]["kept"] > 0.7
    assert found["vertical"]["seen"] > 0.9


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_a_label_about_side_is_measured_whatever_its_name(data, kind):
    pixels, _ = pneumonia(data)
    mirrored_ones = np.random.default_rng(0).random(len(pixels)) < 0.5
    sided = np.where(mirrored_ones[:, None, None, None], pixels[..., ::-1], pixels)
    found = mirrored(sided, target_of(mirrored_ones[:, None].astype(float), kind))
    assert found["horizontal"]["kept"] < -0.9
    assert 0.4 < found["horizontal"]["seen"] < 0.6  # both sides are equally many: mirroring does not show
    assert ruled(mirror=found)["flip"] == "none"


def test_noise_has_no_up_and_tells_nothing():
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 255, (400, 1, 24, 24), np.uint8)
    found = mirrored(pixels, target_of(generator.random((400, 1)).round()))
    assert found["horizontal"]["kept"] is None
    assert ruled(mirror=found)["flip"] == "both"


def test_few_pictures_tell_nothing():
    found = mirrored(np.zeros((3, 1, 8, 8), np.uint8), None)
    assert found["vertical"] == {"seen": None, "kept": None}


@given(st.integers(1, 6000), st.integers(1, 6000), st.integers(0, 10**7))
def test_any_size_and_number_has_a_ladder_whose_last_maps_are_small_and_not_empty(height, width, cases):
    rungs = ladder(brief(cases=cases, shape=[1, height, width]))
    assert rungs
    for rung in rungs:
        found = {d.name: d.value for d in rung.decisions}
        side = min(found["input_size"])
        assert 1 <= side <= max(1, min(height, width))
        last = -(-side // 2 ** (found["halvings"] + found["stages"] - 1))
        assert last <= 9
        assert last >= min(side, 3)
    batch = ruled(cases=cases, shape=[1, height, width])
    assert 16 <= batch["fit.batch"] <= 128
    assert batch["fit.predict_batch"] >= 16


@pytest.mark.parametrize(("side", "first", "last"), [(28, 14, 4), (64, 16, 4), (224, 14, 4)])
def test_usual_sizes(side, first, last):
    found = {d.name: d.value for d in ladder(brief(shape=[3, side, side]))[0].decisions}
    seen = found["input_size"][0]
    assert -(-seen // 2 ** found["halvings"]) == pytest.approx(first, abs=2)
    assert -(-seen // 2 ** (found["halvings"] + found["stages"] - 1)) == last


def test_private_training_normalises_within_cases():
    assert ruled(private=True)["norm"] == "group"
    assert ruled()["norm"] == "batch"


def test_pictures_without_a_common_unit_are_scaled_each_by_itself():
    assert (ruled(unlike=0.8)["normalise"], ruled(unlike=0.2)["normalise"]) == ("picture", "study")


def test_prediction_of_large_pictures_takes_fewer_at_once():
    assert ruled(shape=[3, 1024, 1024])["fit.predict_batch"] < ruled()["fit.predict_batch"]
