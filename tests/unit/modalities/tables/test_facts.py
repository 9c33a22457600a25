"""Facts beside numpy and scipy, and nothing in them that is one patient's."""

import json

import numpy as np
import pytest
import scipy.stats
from sklearn.datasets import load_breast_cancer, load_diabetes

from osler.core.columns import Columns, Field
from osler.core.hashing import word_hash
from osler.modalities.tables import Tables
from osler.modalities.tables.case import UNREADABLE
from osler.modalities.tables.facts import coincidence, column_blocks, facts, quantiles, sampled

TABLES = Tables()


def columns_of(numbers, categories=None):
    """Return columns of plain arrays, named n0, … and c0, …."""
    numbers = np.asarray(numbers, np.float32)
    n = len(numbers)
    categories = np.zeros((n, 0), np.int64) if categories is None else np.asarray(categories, np.int64)
    fields = (
        Field("numbers", "float32", numbers.shape[1:], labels=tuple(f"n{j}" for j in range(numbers.shape[1]))),
        Field("categories", "int64", categories.shape[1:], labels=tuple(f"c{j}" for j in range(categories.shape[1]))),
    )
    return Columns(fields, {"numbers": numbers, "categories": categories}, np.ones(n, bool), np.zeros((n, 2), np.int64))


@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes])
def test_beside_numpy_and_scipy(load):
    values = load().data.astype(np.float32)
    rows = np.arange(0, len(values), 2)
    told = TABLES.facts(columns_of(values), rows)
    part = values[rows].astype(float)
    spread = np.quantile(part, 0.95, axis=0) - np.quantile(part, 0.05, axis=0)
    step = 10 ** (np.floor(np.log10(spread)) - 2)
    numbers = told["numbers"]
    half = step * 0.5001
    assert (np.abs(np.array(numbers["mean"]) - part.mean(0)) <= half).all()
    assert (np.abs(np.array(numbers["sd"]) - part.std(0, ddof=1)) <= half).all()
    expected = np.quantile(part, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0).T
    assert (np.abs(np.array(numbers["quantiles"]) - expected) <= half[:, None]).all()
    np.testing.assert_allclose(numbers["skew"], scipy.stats.skew(part), atol=0.0051)
    assert numbers["distinct"] == [len(np.unique(column)) for column in part.T]
    assert (told["cases"], told["columns"]) == (len(rows), values.shape[1])
    assert numbers["names"][1] == "n1"
    json.dumps(told, allow_nan=False)


def test_missing_and_unreadable():
    values = np.ones((20, 2), np.float32)
    values[:8, 0] = np.nan
    values[:3, 0] = np.array([UNREADABLE]).view(np.float32)
    numbers = facts(columns_of(values), np.arange(1, 20))["numbers"]
    assert numbers["missing"] == [round(7 / 19, 4), 0.0]
    assert numbers["unreadable"] == [2, 0]
    assert numbers["mean"] == [1.0, 1.0]


def test_fewer_than_five_cases_are_not_told():
    values = np.full((100, 3), np.nan, np.float32)
    values[:4, 0], values[:5, 1] = 61.5, 61.5
    numbers = facts(columns_of(values), np.arange(100))["numbers"]
    assert numbers["mean"] == [None, 61.5, None]
    assert numbers["quantiles"][0] == [None] * 5
    assert numbers["sd"][2] is None


def test_no_case_shows_its_own_value():
    """The extremes are not among the facts, and what is told lies on a grid."""
    values = np.random.default_rng(0).normal(100, 15, (500, 1))
    values[7] = 987.654321
    text = json.dumps(facts(columns_of(values), np.arange(500)))
    assert "987" not in text
    assert all(abs(v * 10 - round(v * 10)) < 1e-6 for v in facts(columns_of(values), np.arange(500))["numbers"]["quantiles"][0])


def test_words():
    a, b, c = (word_hash(w) for w in "abc")
    categories = np.array([[a]] * 50 + [[b]] * 4 + [[c]] * 1 + [[0]] * 45)
    told = facts(columns_of(np.zeros((100, 0)), categories), np.arange(100))["categories"]
    assert told == {"names": ["c0"], "missing": [0.45], "words": [3], "rare": [0.05], "common": [1]}


def test_many_rows_are_counted_all_and_sampled_for_quantiles(tmp_path):
    """Columns on disk, more rows than the sample; sums are of all rows."""
    n = 500_000
    path = tmp_path / "numbers.npy"
    numbers = np.lib.format.open_memmap(path, "w+", np.float32, (n, 3))
    numbers[:] = np.random.default_rng(0).normal(1000, 1, (n, 3))
    numbers[:, 2] = np.arange(n) % 1500
    told = facts(columns_of(numbers), np.arange(n))["numbers"]
    assert told["mean"][:2] == [1000.0, 1000.0]  # in float32 sums of a million numbers near 1,000 would be off by more
    assert told["sd"][:2] == [1.0, 1.0]
    assert told["distinct"] == [1000] * 3
    assert len(sampled(np.arange(n))) == 200_000
    assert sampled(np.arange(n))[[0, -1]].tolist() == [0, n - 1]


def test_no_rows_and_no_columns():
    told = facts(columns_of(np.zeros((3, 2))), np.arange(0))
    assert told["cases"] == 0
    assert facts(columns_of(np.zeros((3, 0))), np.arange(3))["numbers"]["mean"] == []


def test_quantiles_of_sorted_lines():
    lines = np.array([[1.0, 2, 3, np.nan], [5, np.nan, np.nan, np.nan], [np.nan] * 4], np.float32)
    got = quantiles(lines, np.array([3, 1, 0]), levels=np.array([0, 0.25, 1]))
    np.testing.assert_array_equal(got, [[1, 1.5, 3], [5, 5, 5], [np.nan] * 3])


def test_blocks_of_columns_cover_all():
    array = np.random.default_rng(0).normal(size=(1000, 5000)).astype(np.float32)
    rows = np.arange(0, 1000, 2)
    parts = list(column_blocks(array, rows))
    assert len(parts) > 1
    np.testing.assert_array_equal(np.concatenate([v for _, v in parts]), array[rows].T)


# coincidence ----------------------------------------------------------------------------------------------------------


def observed(array):
    """Return the share of pairs of rows that agree in every column, counted."""
    counts = np.unique(array, axis=0, return_counts=True)[1].astype(float)
    return (counts * (counts - 1)).sum() / (len(array) * (len(array) - 1.0))


def test_coincidence_lies_between_independence_and_copies():
    generator = np.random.default_rng(0)
    apart = generator.integers(0, 3, (3000, 4))
    copies = np.repeat(apart[:, :1], 4, axis=1)
    got = coincidence(columns_of(np.zeros((3000, 0)), apart + 1), np.arange(3000))
    assert observed(apart) == pytest.approx(1 / 81, rel=0.1)
    assert observed(copies) == pytest.approx(1 / 3, rel=0.05)
    assert got == pytest.approx((1 / 81 / 3) ** 0.5, rel=0.05)
    assert observed(apart) < got < observed(copies)


@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes])
def test_real_measurements_do_not_coincide(load):
    assert coincidence(columns_of(load().data), np.arange(400)) < 1e-9


def test_missing_cells_agree_with_missing_cells():
    values = np.full((100, 2), np.nan)
    assert coincidence(columns_of(values), np.arange(100)) == 1.0
    values[:50] = 1
    assert coincidence(columns_of(values), np.arange(100)) == pytest.approx((49 / 99) ** 1.5)


def test_one_case_coincides_with_none():
    assert coincidence(columns_of(np.zeros((1, 1))), np.arange(1)) == 0.0
    assert coincidence(columns_of(np.zeros((9, 0))), np.arange(9)) == 1.0  # nothing is known of any case
