"""Drawings of sequences: letters as tall as what they add."""

import re

import numpy as np

from osler.modalities.sequences.explain import ACROSS, MOST, picture
from tests.unit.modalities.sequences.test_encode import shard


def letters_in(svg):
    """Return each letter with its height, upside down below 0."""
    return [(letter, float(height)) for height, letter in re.findall(r"scale\(1 ([-\d.]+)\)[^>]*>([A-Z])<", svg)]


def test_a_plain_drawing_is_the_sequence(tmp_path):
    columns = shard(["ACGTACGTTGCAn", None], tmp_path)
    found = letters_in(picture(columns, 0, layers={}))
    assert "".join(letter for letter, _ in found) == "ACGTACGTTGCAN"
    assert {height for _, height in found} == {1.0}
    assert picture(columns, 1, layers={}) is None


def test_letters_are_as_tall_as_what_they_add(tmp_path):
    columns = shard(["ACGTACGTTGCA"], tmp_path)
    adds = np.zeros((12, 4))
    adds[2], adds[7] = (0, 0, 0.3, 0.1), (-0.1, 0, 0, -0.1)
    svg = picture(columns, 0, layers={"attribution": adds})
    (up, tall), (down, low) = letters_in(svg)
    assert (up, down) == ("G", "T")
    assert low / tall == -0.5
    assert "± 0.4" in svg


def test_of_a_long_sequence_the_stretch_that_adds_most_is_drawn(tmp_path):
    columns = shard(["ACGT" * 500], tmp_path)
    adds = np.zeros((2000, 4))
    adds[1500] = 1.0
    svg = picture(columns, 0, layers={"attribution": adds})
    assert letters_in(svg) == [("A", letters_in(svg)[0][1])]
    starts = [int(n) for n in re.findall(r'text-anchor="end"[^>]*>(\d+)<', svg)]
    assert len(starts) == MOST // ACROSS
    assert starts[0] <= 1501 < starts[0] + MOST


def test_what_lies_outside_the_window_adds_nothing(tmp_path):
    columns = shard(["ACGTACGTTGCA"], tmp_path)
    adds = np.zeros((4, 4))  # of the middle four letters, ACGT
    adds[0, 0] = 1.0
    assert [letter for letter, _ in letters_in(picture(columns, 0, layers={"attribution": adds}))] == ["A"]
