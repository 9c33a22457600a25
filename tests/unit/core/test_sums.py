"""Sums over resamples: in blocks, in one byte where whole numbers are small, in whatever precision the spread needs."""

import numpy as np
import pytest

from osler.core import sums


def test_small_whole_numbers_take_one_byte_and_others_stay_as_they_are():
    assert sums.compact(np.array([[0.0, 15.0]])).dtype == np.uint8
    assert sums.compact(np.array([[True, False]])).tolist() == [[1, 0]]
    for other in ([[0.5]], [[-1.0]], [[16.0]], [[np.nan]]):
        assert sums.compact(np.array(other)).dtype == np.float64


def test_sums_are_those_of_a_plain_product_whatever_the_blocks(monkeypatch):
    generator = np.random.default_rng(0)
    counts = generator.integers(0, 4, (6, 1000), dtype=np.uint8)
    whole, real = generator.integers(0, 3, (1000, 4)), generator.normal(1e6, 1, (1000, 2))
    monkeypatch.setattr(sums, "_AT_ONCE", 70)
    found = sums.added(counts, [sums.compact(whole), real])
    np.testing.assert_array_equal(found[0], counts.astype(float) @ whole)
    np.testing.assert_allclose(found[1], counts.astype(float) @ real, rtol=1e-14)


def test_a_single_sample_is_added_in_double_precision_however_many_cases(monkeypatch):
    monkeypatch.setattr(sums, "_MANY", 10)
    column = np.full((1000, 1), 1 / 3)
    once, twice = (sums.added(np.ones((r, 1000), np.uint8), [column])[0][0, 0] for r in (1, 2))
    assert once == pytest.approx(1000 / 3, rel=1e-14)
    assert once != twice
    assert abs(twice / once - 1) < 1e-5
