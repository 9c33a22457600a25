"""Logos and heat maps: their sizes are their numbers."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from osler.modalities.sequences.motifs.letters import LETTERS, OUTLINES, colour
from osler.modalities.sequences.motifs.logo import PER_LINE, SHOWN, bits, heat_map, logo, matrix_logo, stacked, stretch

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg):
    """Return of each letter its colour, left, top and bottom."""
    found = []
    for path in ET.fromstring(svg).iter(f"{SVG}path"):
        if path.get("transform", "").startswith("matrix"):
            _, _, _, high, left, top = map(float, path.get("transform")[len("matrix(") : -1].split())
            found.append((path.get("fill"), left, top, top + 100 * high))
    return found


def test_letters_are_as_high_as_their_values_up_and_down():
    heights = np.zeros((4, 3))
    heights[0, 0], heights[2, 1], heights[3, 2], heights[1, 2] = 1.0, -0.5, 0.75, 0.25
    found = drawn(logo(heights, alphabet="dna"))
    a, g, c, t = (next(one for one in found if one[0] == colour(letter, "dna")) for letter in "AGCT")
    high = a[3] - a[2]
    assert g[3] - g[2] == pytest.approx(0.5 * high, abs=0.05)
    assert t[3] - t[2] == pytest.approx(0.75 * high, abs=0.05)
    assert a[3] == pytest.approx(g[2], abs=0.05), "both touch the line"
    assert (c[3], t[3]) == pytest.approx((a[3], c[2]), abs=0.05), "the smaller stands inside, the larger on it"
    assert a[1] < g[1] < t[1] == c[1]


def test_bits_of_known_columns():
    # log2(4) = 2 bits of one letter alone, 1 of two alike, 0 of four (Schneider and Stephens 1990)
    found = bits(np.array([[1, 0.5, 0.25], [0, 0.5, 0.25], [0, 0, 0.25], [0, 0, 0.25]]))
    np.testing.assert_allclose(found.sum(0), [2, 1, 0], atol=1e-9)
    np.testing.assert_allclose(found[:, 1], [0.5, 0.5, 0, 0], atol=1e-9)


def test_few_sites_tell_less():
    # Schneider 1986: (s - 1) / (2 n ln 2), of ten sites 3 / (20 · 0.6931) = 0.2164 bits
    assert bits(np.array([[1.0], [0], [0], [0]]), sites=10).sum() == pytest.approx(2 - 0.21640, abs=1e-4)


def test_a_sure_column_reaches_the_top_of_the_scale():
    found = drawn(matrix_logo(np.eye(4), alphabet="dna"))
    assert len(found) == 4
    half = drawn(matrix_logo(np.array([[0.5], [0.5], [0], [0]]), alphabet="dna"))
    assert sum(bottom - top for _, _, top, bottom in half) == pytest.approx((found[0][3] - found[0][2]) / 2, abs=0.05)


def test_of_a_long_sequence_the_stretch_that_adds_most_is_drawn():
    heights = np.zeros((4, 2000))
    heights[0, 1500:1510] = 1
    start, end = stretch(heights)
    assert end - start == SHOWN
    assert start <= 1500
    assert end >= 1510
    svg = logo(heights, alphabet="dna", first=1)
    assert len(drawn(svg)) == 10
    assert len(set(re.findall(r">(\d+)</text>", svg))) > SHOWN // PER_LINE


def test_a_heat_map_has_a_cell_for_each_change_and_a_dot_for_each_letter():
    changes = np.zeros((4, 5))
    changes[1, 2], changes[3, 4] = 2.0, -1.0
    tree = ET.fromstring(heat_map(changes, np.array([0, 1, 2, 3, 4]), alphabet="dna"))
    cells = [r for r in tree.iter(f"{SVG}rect") if r.get("fill") != "none"][:2]
    assert [(r.get("fill"), r.get("fill-opacity")) for r in cells] == [("#d55e00", "1.00"), ("#0072b2", "0.50")]
    assert len(list(tree.iter(f"{SVG}circle"))) == 4, "an unknown letter has no row"
    assert {t.text for t in tree.iter(f"{SVG}text")} >= {"A", "C", "G", "T", "+2", "−2"}


def test_nothing_to_draw_is_drawn_as_nothing():
    for svg in (logo(np.zeros((4, 6)), alphabet="dna"), heat_map(np.full((4, 6), np.nan), np.zeros(6, int), alphabet="dna")):
        assert drawn(svg) == []


def test_pictures_are_stacked_in_one():
    one, two = logo(np.eye(4), alphabet="rna"), heat_map(np.eye(4), np.arange(4), alphabet="rna")
    tree = ET.fromstring(stacked(one, two))
    high = [float(ET.fromstring(svg).get("height")) for svg in (one, two)]
    assert float(tree.get("height")) == pytest.approx(sum(high) + 2, abs=2)
    assert [g.get("transform") for g in tree] == ["translate(0 0.0)", f"translate(0 {high[0]:.1f})"]


@pytest.mark.parametrize("alphabet", sorted(LETTERS))
def test_every_letter_has_an_outline_inside_its_box(alphabet):
    for letter in LETTERS[alphabet]:
        assert colour(letter, alphabet)
        numbers = [float(n) for n in re.findall(r"\d+", OUTLINES[letter])]
        assert min(numbers) >= 0
        assert max(numbers) == 100
    svg = logo(np.eye(len(LETTERS[alphabet])), alphabet=alphabet)
    assert len(drawn(svg)) == len(LETTERS[alphabet])
