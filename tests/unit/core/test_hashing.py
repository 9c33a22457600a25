"""Hashes stay the same for ever, and row fingerprints see content and nothing else."""

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from osler.core.hashing import number_bits, row_fingerprints, word_hash, word_hashes


def test_word_hash_is_blake2b_of_utf8():
    """Bundles keep these numbers: a change here breaks every vocabulary ever written."""
    for text in ("male", "", "Göttingen", "糖尿病"):
        expected = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)
        assert word_hash(text) == expected
    assert word_hash("male") == 8766684980474722411
    assert word_hashes(["a", "b"]).tolist() == [word_hash("a"), word_hash("b")]


def test_equal_numbers_have_equal_bits():
    bits = number_bits(np.array([0.0, -0.0, np.nan, -np.nan, 1.0], np.float32))
    assert bits[0] == bits[1]
    assert bits[2] == bits[3]
    assert len({*bits.tolist()}) == 3
    assert (number_bits(np.array([0.5], np.float32)) == number_bits(np.array([0.5]))).all()


def test_order_of_columns_does_not_matter_and_their_names_do():
    values = np.random.default_rng(0).normal(size=(50, 4))
    names = ["a", "b", "c", "d"]
    prints = row_fingerprints([values], names=names)
    order = [2, 0, 3, 1]
    assert (row_fingerprints([values[:, order]], names=[names[i] for i in order]) == prints).all()
    assert not (row_fingerprints([values[:, order]], names=names) == prints).any()
    assert (row_fingerprints([values[:, :1], values[:, 1:]], names=names) == prints).all()


def test_swapped_cells_of_one_row_differ():
    """A sum over cells alone would take (1, 2) and (2, 1) for the same row."""
    prints = row_fingerprints([np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]])], names=["a", "b"])
    assert prints[0].tolist() == prints[2].tolist() != prints[1].tolist()


def test_many_rows_have_as_many_fingerprints_in_both_halves():
    values = np.arange(300_000, dtype=float).reshape(-1, 3)
    prints = row_fingerprints([values], names=["a", "b", "c"])
    assert [len(np.unique(half)) for half in prints.T] == [100_000, 100_000]


@given(st.lists(st.lists(st.floats(), min_size=2, max_size=2), min_size=1, max_size=5))
def test_rows_alone_and_together_agree(rows):
    table = np.array(rows)
    together = row_fingerprints([table], names=["a", "b"])
    alone = [row_fingerprints([table[i : i + 1]], names=["a", "b"])[0] for i in range(len(table))]
    assert (together == np.array(alone)).all()
    assert together.any(axis=1).all()


def test_no_rows_and_no_columns():
    assert row_fingerprints([np.empty((0, 2))], names=["a", "b"]).shape == (0, 2)
    assert row_fingerprints([np.empty((3, 0))], names=[]).tolist() == [[1, 0]] * 3


def test_a_missing_number_and_a_missing_word_are_one():
    names = ["a", "b"]
    number = row_fingerprints([np.array([[np.nan]]), np.array([[5]])], names=names)
    word = row_fingerprints([np.array([[0, 5]])], names=names)
    zero = row_fingerprints([np.array([[0.0]]), np.array([[5]])], names=names)
    assert number.tolist() == word.tolist() != zero.tolist()
