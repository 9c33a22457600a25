"""Drawings of molecules, from columns alone."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from osler.modalities.molecules.case import ATOMS, BONDS, DESCRIPTORS
from osler.modalities.molecules.explain import AGAINST, FOR, changed, explain, picture, sketch
from tests.unit.modalities.molecules.test_molecules_read import shard

ASPIRIN, SALT, PEPTIDE = "CC(=O)Oc1ccccc1C(=O)O", "C[N+](C)(C)CC(=O)[O-]", "NCC(=O)" * 60 + "O"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def columns():
    return shard([ASPIRIN, None, SALT, "O", PEPTIDE, "C1CC"], roles=("input",), charges="keep")


def texts(svg):
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter(f"{SVG}text")]


def test_a_molecule_is_drawn_and_an_absent_one_is_not(columns):
    assert sorted(texts(picture(columns, 0, layers={}))) == ["O", "O", "O", "OH"]
    assert picture(columns, 1, layers={}) is None
    assert picture(columns, 5, layers={}) is None
    assert texts(picture(columns, 3, layers={})) == ["OH2"]
    assert {"N+", "O−"} <= set(texts(picture(columns, 2, layers={})))


def test_bonds_have_about_the_same_length_and_large_molecules_fit(columns):
    found = sketch(columns, 0)
    lengths = np.linalg.norm(found.places[found.ends[:, 0]] - found.places[found.ends[:, 1]], axis=1)
    assert np.ptp(lengths) < 0.2 * lengths.mean()
    assert max(sketch(columns, 4).size) <= 641


def test_atoms_and_bonds_take_the_colour_of_what_they_add(columns):
    atoms, bonds = len(columns[ATOMS][0]), len(columns[BONDS][0])
    adds = np.zeros((atoms + bonds + 7, 1))
    adds[1], adds[2], adds[atoms], adds[-1] = 0.4, -0.2, 0.1, 9.0  # the last is a descriptor, and not drawn
    svg = picture(columns, 0, layers={"attribution": adds})
    circles = list(ET.fromstring(svg).iter(f"{SVG}circle"))[:2]
    assert [node.get("fill") for node in circles] == [FOR, AGAINST]
    assert float(circles[0].get("fill-opacity")) == pytest.approx(2 * float(circles[1].get("fill-opacity")))
    places = sketch(columns, 0).places
    assert float(circles[0].get("cx")) == pytest.approx(places[1, 0], abs=0.06)
    assert {"+0.4", "−0.4"} <= set(texts(svg))
    nothing = picture(columns, 0, layers={"attribution": np.zeros(atoms + bonds)})
    assert FOR not in nothing
    assert not re.search("nan|inf", nothing)


def test_the_numbers_of_the_legend_stand_apart_under_a_small_molecule(columns):
    svg = ET.fromstring(picture(columns, 3, layers={"attribution": np.array([0.00123])}))
    left, _, wide, _ = map(float, svg.get("viewBox").split())
    numbers = [node for node in svg.iter(f"{SVG}text") if (node.text or "")[:1] in "+−"]
    places = sorted(float(node.get("x")) for node in numbers)
    assert len(places) == 4
    letter = 6.2  # of a font of 11, measured in a browser's drawing
    widest = max(len(node.text) for node in numbers) * letter
    assert np.diff(places).min() > widest
    assert left < places[0] - widest / 2
    assert places[-1] + widest / 2 < left + wide
    assert all(float(node.get("y")) > sketch(columns, 3).size[1] + 14 for node in numbers)


def test_structure_and_descriptors_are_lent_apart():
    whole = shard([ASPIRIN, SALT, "CCO", None], roles=("input", "baseline"))
    values = np.array([2, 0, 3, 1])
    for feature, name in enumerate(("structure", "descriptors")):
        found = changed(whole, feature=feature, values=values)
        same_atoms = [np.array_equal(found[ATOMS][row], whole[ATOMS][row]) for row in range(3)]
        same_described = [np.array_equal(found[DESCRIPTORS][row], whole[DESCRIPTORS][row]) for row in range(3)]
        kept, lent = (same_described, same_atoms) if name == "structure" else (same_atoms, same_described)
        assert kept == [True, True, True]
        assert lent == [False, False, True]  # the third would lend of an absent one
    told = explain(np.array([0.5, -1.0]))["features"]
    assert told == [{"name": "structure", "attribution": 0.5}, {"name": "descriptors", "attribution": -1.0}]
