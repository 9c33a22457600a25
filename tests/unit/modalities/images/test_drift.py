"""Drift of real films: none between films of one kind; other bits, inverted or cut pictures are told."""

import numpy as np
import PIL.Image
import pytest

from osler.core.drift import Drift
from osler.core.state import State
from osler.language import words
from osler.modalities.images.baseline.frequencies import low_frequencies
from osler.modalities.images.drift import FEWEST, PROVENANCE, drift, drift_facts, drift_sums, typical_likeness
from osler.spine.report.drift import sentence
from tests.unit.modalities.images.films import columns_of, films

NEW = slice(700, 1200)


@pytest.fixture(scope="module")
def known(data):
    columns = columns_of(films(data)[0])
    rows = np.arange(700)
    low = low_frequencies(columns, rows, groups=np.arange(1200))
    return {"drift": drift_facts(columns, rows)}, State(low, typical_likeness(columns, rows, arrays=low))


def findings(known, pictures):
    columns, (facts, state) = columns_of(pictures), known
    sums = drift_sums(columns, np.arange(len(columns)), facts=facts, state=state)
    return {shift.column: shift.finding for shift in drift(sums, facts=facts, state=state) if shift.finding}


def cut(picture):
    return np.asarray(PIL.Image.fromarray(picture[4:20, 12:28]).resize((28, 28), PIL.Image.Resampling.BILINEAR))


@pytest.mark.parametrize("rows", [slice(700, 1200), slice(700, 760), slice(900, 910)])
def test_films_of_the_same_kind_show_no_drift(data, known, rows):
    assert findings(known, films(data)[0][rows]) == {}


def test_ten_times_the_mean_is_told(data, known):
    found = findings(known, (films(data)[0][NEW].astype(np.uint16) * 10))
    assert found["picture brightness"] == found["picture contrast"] == "scale"
    assert "picture likeness" not in found  # the same films, only in other units


def test_sixteen_bits_are_told(data, known):
    assert findings(known, films(data)[0][NEW].astype(np.uint16) * 257)["picture brightness"] == "scale"


def test_inverted_films_are_told(data, known):
    assert findings(known, 255 - films(data)[0][NEW])["picture likeness"] == "inverted"


def test_another_part_of_the_picture_is_told(data, known):
    assert findings(known, np.stack([cut(p) for p in films(data)[0][NEW]]))["picture likeness"] == "mean"


def test_blurred_films_are_told(data, known):
    small = [PIL.Image.fromarray(p).resize((9, 9), PIL.Image.Resampling.BOX) for p in films(data)[0][NEW]]
    found = findings(known, np.stack([np.asarray(p.resize((28, 28), PIL.Image.Resampling.BICUBIC)) for p in small]))
    assert found["picture sharpness"] == "mean"


def test_sums_of_blocks_are_those_of_the_whole(data, known):
    columns, (facts, state) = columns_of(films(data)[0][NEW]), known
    whole = drift_sums(columns, np.arange(500), facts=facts, state=state)
    blocks = [drift_sums(columns, rows, facts=facts, state=state) for rows in np.array_split(np.arange(500), 7)]
    for name, value in whole.items():
        np.testing.assert_allclose(sum(block[name] for block in blocks), value, rtol=1e-9)


def test_figures_are_those_of_the_pictures(data, known):
    pictures = films(data)[0][NEW]
    columns, (facts, state) = columns_of(pictures), known
    sums = drift_sums(columns, np.arange(500), facts=facts, state=state)
    bright = next(s for s in drift(sums, facts=facts, state=state) if s.column == "picture brightness")
    means = pictures.mean((1, 2))
    assert bright.now["mean"] == pytest.approx(means.mean(), rel=1e-4)
    assert bright.now["sd"] == pytest.approx(means.std(ddof=1), rel=1e-3)


def test_too_few_pictures_say_nothing(data, known):
    facts, state = known
    columns = columns_of(films(data)[0][: FEWEST - 1])
    assert drift_facts(columns, np.arange(FEWEST - 1)) == {}
    assert typical_likeness(columns, np.arange(FEWEST - 1), arrays=state.arrays) == {}
    assert drift(drift_sums(columns, np.arange(FEWEST - 1), facts=facts, state=state), facts=facts, state=state) == ()


def test_pictures_that_say_they_are_synthetic_are_told_first_and_are_grave(data, known):
    made = np.zeros(500, np.int64)
    assert not any(shift.column == PROVENANCE for shift in shifts_of(known, films(data)[0][NEW], made))
    made[::250] = 1
    found = shifts_of(known, films(data)[0][NEW], made)
    told = Drift({"image": found}, (), 500)
    assert told.found[0].column == PROVENANCE
    assert told.foreign == told.found[:1]
    assert sentence(told.found[0], words("en")).startswith(
        "'picture provenance': 0.4% of the pictures say in their files that they are synthetic"
    )


def shifts_of(known, pictures, made):
    columns, (facts, state) = columns_of(pictures, made=made), known
    sums = drift_sums(columns, np.arange(len(columns)), facts=facts, state=state)
    return drift(sums, facts=facts, state=state)
