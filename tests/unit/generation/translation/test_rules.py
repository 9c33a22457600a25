"""From facts to decisions: pure, each with its reason."""

import pytest

from osler.core.plan import Brief, Plan
from osler.generation.translation.rules import ladder, rules

PICTURES = {"axes": 2, "shape": [128.0, 120.0], "dtype": "uint8", "kind": "", "unlike": 0.3}
SCANS = {"axes": 3, "shape": [181.0, 217.0, 90.0], "dtype": "int16", "kind": "MR", "unlike": 0.8}
CT = {**SCANS, "kind": "CT"}


def plan(source, target, *, pairing="paired", cases=1000):
    brief = Brief(
        {"source": source, "wanted": target},
        {"pairing": pairing, "why": "as seen"},
        "translation",
        "vector",
        "cpu",
        10.0,
        cases,
        40,
    )
    return Plan(rules(brief)), ladder(brief)


def test_pictures_of_one_unit_keep_their_brightness():
    found, sizes = plan(PICTURES, PICTURES)
    assert (found["translation.source_scale"], found["translation.target_scale"]) == ("study", "study")
    assert found["translation.patch"] == [128, 128]
    assert found["translation.neighbours"] == 0
    assert found["translation.mirror"] == [1]
    assert [{d.name: d.value for d in rung.decisions}["translation.adversarial"] for rung in sizes] == [
        False,
        True,
        True,
        True,
    ]
    assert found["fit.epoch_cases"] == 50 * found["fit.batch"] < 1000, "epochs are short, so that training ends near the budget"


def test_volumes_see_their_neighbours_and_ct_its_unit():
    found, _ = plan(SCANS, CT, cases=20)
    assert (found["translation.source_scale"], found["translation.target_scale"]) == ("case", "study")
    assert found["translation.kind"] == "CT"
    assert found["translation.neighbours"] == 1
    assert found["translation.mirror"] == [0], "a stored volume's first axis runs from left to right"
    assert 20 < found["fit.epoch_cases"] <= 20 * found["fit.rounds"], "several slices of each volume"


def test_without_pairs_there_are_critics_and_the_way_back():
    found, sizes = plan(SCANS, CT, pairing="unpaired")
    assert {"translation.cycle", "translation.identity"} <= set(found)
    assert not {"translation.l1", "translation.structure"} & set(found)
    assert all({d.name: d.value for d in rung.decisions}["translation.adversarial"] for rung in sizes)
    assert found["fit.learning_rate"] == 2e-4


@pytest.mark.parametrize("side", [10.0, 24.0, 33.0, 200.0, 1000.0])
def test_a_patch_is_whole_steps(side):
    found, _ = plan({**PICTURES, "shape": [side, side]}, PICTURES)
    assert found["translation.patch"][0] % 16 == 0
    assert 16 <= found["translation.patch"][0] <= 256
    assert found["fit.batch"] >= 2
    assert all(d.reason for d in found.decisions)
