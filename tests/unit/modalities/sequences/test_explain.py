"""Drawings of sequences: letters as tall as what they add, and what others in their place would change."""

import re

import numpy as np
import pytest

from osler.modalities.sequences.explain import picture
from osler.modalities.sequences.motifs.letters import OUTLINES, colour
from osler.modalities.sequences.motifs.logo import EDGE, SHOWN, WIDE
from tests.unit.modalities.sequences.test_encode import shard


def letters_in(svg):
    """Return each letter of a logo with its place from 0, its top and its height."""
    names = {outline: letter for letter, outline in OUTLINES.items()}
    found = re.findall(r'<path d="([^"]+)" transform="matrix\(\S+ 0 0 (\S+) (\S+) (\S+)\)"', svg)
    return [(names[d], int((float(left) - EDGE) // WIDE), float(top), 100 * float(high)) for d, high, left, top in found]


def test_a_plain_drawing_is_the_sequence(tmp_path):
    columns = shard(["ACGTACGTTGCAn", None], tmp_path)
    assert "".join(re.findall(r">([A-Z])<", picture(columns, 0, layers={}))) == "ACGTACGTTGCAN"
    assert picture(columns, 1, layers={}) is None


def test_letters_are_as_tall_as_what_they_add(tmp_path):
    columns = shard(["ACGTACGTTGCA"], tmp_path)
    adds = np.zeros((12, 4))
    adds[2], adds[7] = (0, 0, 0.3, 0.1), (-0.1, 0, 0, -0.1)
    (up, first, top, tall), (down, second, low, short) = letters_in(picture(columns, 0, layers={"attribution": adds}))
    assert (up, first, down, second) == ("G", 2, "T", 7)
    assert short / tall == pytest.approx(0.5, abs=1e-2)
    assert low == pytest.approx(top + tall, abs=0.05)


def test_of_a_long_sequence_the_stretch_that_adds_most_is_drawn(tmp_path):
    columns = shard(["ACGT" * 500], tmp_path)
    adds, changes = np.zeros((2000, 4)), np.full((2000, 4), np.nan)
    adds[1500] = 1.0
    changes[1490:1510], changes[1500] = 0.0, -1.0
    svg = picture(columns, 0, layers={"attribution": adds, "changes": changes})
    assert [letter for letter, *_ in letters_in(svg)] == ["A"]
    numbers = [int(n) for n in re.findall(r">(\d{3,})<", svg)]
    assert max(numbers) - min(numbers) <= SHOWN
    assert min(numbers) <= 1501 <= max(numbers)
    assert svg.count("<circle") == 20


def test_what_lies_outside_the_window_adds_nothing(tmp_path):
    columns = shard(["ACGTACGTTGCA"], tmp_path)
    adds = np.zeros((4, 4))  # of the middle four letters, ACGT
    adds[0, 0] = 1.0
    assert [one[:2] for one in letters_in(picture(columns, 0, layers={"attribution": adds}))] == [("A", 4)]


def test_what_other_letters_would_change_stands_below(tmp_path):
    columns = shard(["ACGTN"], tmp_path)
    adds, changes = np.ones((5, 4)), np.zeros((5, 4))
    changes[3] = (0.5, 0, -1.0, 0)
    svg = picture(columns, 0, layers={"attribution": adds, "changes": changes})
    assert svg.count("<circle") == 4, "an unknown letter is none of the rows"
    assert re.findall(r'fill="(#d55e00|#0072b2)" fill-opacity="(0.50|1.00)"', svg)[:2] == [
        ("#d55e00", "0.50"),
        ("#0072b2", "1.00"),
    ]
    assert colour("A", "dna") in svg
