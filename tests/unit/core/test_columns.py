"""Cases as arrays: ragged ones come back in their shapes, rows are taken in any order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osler.core.columns import NO_WORDS, Columns, Field, Ragged, Words
from osler.core.errors import Refusal


@st.composite
def pictures(draw):
    shapes = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=8))
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    return [generator.normal(size=shape).astype(np.float32) for shape in shapes]


def stored(arrays) -> Ragged:
    offsets = np.concatenate([[0], np.cumsum([a.size for a in arrays])]).astype(np.int64)
    values = np.concatenate([np.empty(0, np.float32), *(a.ravel() for a in arrays)])
    return Ragged(values, offsets, np.array([a.shape for a in arrays], np.int32).reshape(-1, 2))


@given(pictures(), st.data())
def test_ragged_cases_are_taken_in_any_order(arrays, data):
    ragged = stored(arrays)
    assert len(ragged) == len(arrays)
    rows = data.draw(st.lists(st.integers(0, len(arrays) - 1), max_size=10)) if arrays else []
    taken = ragged.take(np.array(rows, np.int64))
    assert len(taken) == len(rows)
    for turn, row in enumerate(rows):
        np.testing.assert_array_equal(taken[turn], arrays[row])


def test_one_differing_axis_keeps_its_tail():
    ragged = Ragged(np.arange(10).reshape(5, 2), np.array([0, 2, 2, 5]))
    assert ragged[1].shape == (0, 2)
    np.testing.assert_array_equal(ragged.take(np.array([2, 0]))[0], [[4, 5], [6, 7], [8, 9]])


def test_refusals_keep_to_their_cases():
    refusal = Refusal("broken", "it is")
    columns = Columns(
        (Field("x", "float32"),), {"x": np.arange(4.0)}, np.array([True, False, True, True]),
        np.arange(8).reshape(4, 2), {1: refusal},
    )  # fmt: skip
    taken = columns.take(np.array([3, 1, 1]))
    assert dict(taken.refusals) == {1: refusal, 2: refusal}
    assert taken.present.tolist() == [True, False, False]
    assert taken["x"].tolist() == [3.0, 1.0, 1.0]
    assert len(columns.take(np.empty(0, np.int64))) == 0


def test_fields_are_found_by_name_and_role():
    columns = Columns(
        (Field("image", "float32", (None, None)), Field("mask", "uint8", (None, None), role="target")),
        {},
        np.empty(0),
        np.empty(0),
    )
    assert columns.names("target") == ("mask",)
    assert columns.field("image").ragged
    assert not Field("x", "float32", (3,)).ragged


@pytest.mark.parametrize(("key", "text"), [(-5, "a"), (7, "b"), (0, None), (99, None)])
def test_words_are_found_by_their_hash(key, text):
    assert Words(np.array([-5, 7]), np.array(["a", "b"], object)).text(key) == text
    assert NO_WORDS.text(key) is None
