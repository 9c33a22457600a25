"""What is learned is right, and holds nothing that fewer than five patients share."""

import json

import numpy as np
import pyarrow as pa
import pytest
from sklearn.datasets import load_breast_cancer

from osler.core.columns import Columns, Field
from osler.core.plan import Decision, Plan
from osler.core.table import Table
from osler.modalities.tables import Tables
from osler.modalities.tables.fit import codes

TABLES = Tables()


def columns_of(numbers):
    numbers = np.asarray(numbers, np.float32)
    fields = (
        Field("numbers", "float32", numbers.shape[1:], labels=tuple(f"n{j}" for j in range(numbers.shape[1]))),
        Field("categories", "int64", (0,)),
    )
    arrays = {"numbers": numbers, "categories": np.zeros((len(numbers), 0), np.int64)}
    return Columns(fields, arrays, np.ones(len(numbers), bool), np.zeros((len(numbers), 2), np.int64))


def shard_of(**cells):
    """Return the columns of a table of texts, read as Osler would."""
    table = Table(pa.table(cells), None)
    locators = TABLES.locate(table, columns=table.columns)
    reading = {d.name: d.value for d in TABLES.reading(locators, settings={})}
    return TABLES.shard(locators, reading=reading, roles=frozenset({"input"}))


def fitted(columns, rows=None, *, groups=None, **plan):
    rows = np.arange(len(columns)) if rows is None else rows
    return TABLES.fit(columns, rows, groups=np.arange(len(columns)) if groups is None else groups, plan=plan)


# numbers --------------------------------------------------------------------------------------------------------------


def test_scales_of_breast_cancer():
    values = load_breast_cancer().data
    rows = np.arange(0, len(values), 3)
    state = fitted(columns_of(values), rows)
    part = values[rows].astype(np.float32).astype(float)
    low, q1, middle, q3, high = np.quantile(part, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
    step = 10 ** (np.floor(np.log10(high - low)) - 2)
    assert (np.abs(state.arrays["center"] - middle) <= step * 0.51).all()
    assert (np.abs(state.arrays["scale"] - (q3 - q1) / 1.349) <= step * 0.51).all()
    assert state.arrays["center"].dtype == state.arrays["scale"].dtype == state.arrays["bins"].dtype == np.float32
    assert state.values["labels"] == [f"n{j}" for j in range(30)]


def test_bins_are_quantiles_within_one_and_ninety_nine_per_cent():
    values = np.random.default_rng(0).normal(0, 10, (10_000, 1)).astype(np.float32)
    edges = fitted(columns_of(values), bins=8).arrays["bins"]
    assert edges.shape == (1, 9)
    expected = np.quantile(values, np.linspace(0.01, 0.99, 9))
    np.testing.assert_allclose(edges[0], expected, atol=0.051)


@pytest.mark.parametrize("missing", [False, True])
def test_few_values_are_their_own_edges(missing):
    """A flag that one in two hundred has keeps its two edges, where quantiles would see only zeros."""
    values = np.zeros((2000, 2))
    values[::200, 0] = 1
    values[:, 1] = np.arange(2000) % 3
    if missing:
        values[1::7] = np.nan
    edges = fitted(columns_of(values)).arrays["bins"]
    assert edges.shape == (2, 17)
    np.testing.assert_array_equal(edges[0, :3], [0, 1, np.nan])
    np.testing.assert_array_equal(edges[1, :4], [0, 1, 2, np.nan])


def test_edges_ascend_and_stand_before_the_gaps():
    generator = np.random.default_rng(0)
    values = np.where(generator.random((3000, 5)) < 0.6, 0, generator.gamma(1, 5, (3000, 5)))
    for line in fitted(columns_of(values)).arrays["bins"]:
        there = np.isfinite(line)
        assert there.sum() >= 2
        assert there[: there.sum()].all()
        assert (np.diff(line[there]) > 0).all()


@pytest.mark.parametrize(("value", "center"), [(37.5, 37.5), (0.0, 0.0), (-4.0, -4.0), (np.nan, 0.0)])
def test_constant_columns_have_scale_one_and_no_bins(value, center):
    state = fitted(columns_of(np.full((50, 1), value)))
    assert state.arrays["center"].tolist() == [center]
    assert state.arrays["scale"].tolist() == [1.0]
    assert np.isnan(state.arrays["bins"]).all()


def test_mostly_equal_columns_are_scaled_by_their_standard_deviation():
    values = np.zeros((1000, 1))
    values[::10] = 50
    state = fitted(columns_of(values))
    assert state.arrays["scale"][0] == pytest.approx(15, abs=0.1)


def test_only_the_given_rows_count():
    values = np.random.default_rng(0).normal(size=(400, 3))
    other = values.copy()
    other[200:] = 1e6
    one, two = (fitted(columns_of(v), np.arange(200)) for v in (values, other))
    for name in one.arrays:
        np.testing.assert_array_equal(one.arrays[name], two.arrays[name])


def test_a_plan_sets_bins_and_vocabulary():
    plan = Plan([Decision("bins", 4, "few rows"), Decision("width", 8, "small")])
    columns = columns_of(np.random.default_rng(0).normal(size=(100, 2)))
    state = TABLES.fit(columns, np.arange(100), groups=np.arange(100), plan=plan)
    assert state.arrays["bins"].shape == (2, 5)


def test_no_columns():
    state = fitted(columns_of(np.zeros((10, 0))))
    assert {k: v.shape for k, v in state.arrays.items()} == {"center": (0,), "scale": (0,), "bins": (0, 17)}


# words ----------------------------------------------------------------------------------------------------------------


def test_a_word_needs_five_groups():
    """Six rows of one patient do not make a word public; five patients with one row each do."""
    cells = ["shared"] * 5 + ["one patient's"] * 6 + ["four"] * 4 + [None] * 5
    groups = np.array([*range(5), *[90] * 6, *range(4), *range(50, 55)])
    columns = shard_of(c=cells)
    state = fitted(columns, groups=groups)
    assert state.values["words.0"] == ["shared"]
    assert fitted(columns).values["words.0"] != ["shared"]  # without groups six rows are six patients
    assert codes(columns["categories"], state)[:, 0].tolist() == [2] * 5 + [0] * 10 + [1] * 5


def test_words_of_rows_that_do_not_train_are_unknown():
    columns = shard_of(c=["a"] * 10 + ["b"] * 10)
    state = fitted(columns, np.arange(10))
    assert state.values["words.0"] == ["a"]
    assert codes(columns["categories"], state)[:, 0].tolist() == [2] * 10 + [0] * 10


def test_the_most_frequent_words_are_kept():
    cells = [w for w, times in (("rare", 6), ("often", 9), ("most", 12), ("also", 7)) for _ in range(times)]
    state = fitted(shard_of(c=cells), vocabulary=2)
    keys = state.arrays["vocabulary.0"]
    assert sorted(state.values["words.0"]) == ["most", "often"]
    assert keys.tolist() == sorted(keys.tolist())


def test_codes_beside_a_dictionary(data):
    table = pa.csv.read_csv(data / "records/support2.csv").select(["fac_dzgroup", "fac_race", "fac_income"])
    columns = shard_of(**{c: table.column(c) for c in table.column_names})
    state = fitted(columns)
    got = codes(columns["categories"], state)
    for j, name in enumerate(table.column_names):
        place = {word: i + 2 for i, word in enumerate(state.values[f"words.{j}"])}
        expected = [1 if cell in (None, "") else place.get(cell, 0) for cell in table.column(name).to_pylist()]
        assert got[:, j].tolist() == expected
    assert state.values["categories"] == table.column_names


# privacy --------------------------------------------------------------------------------------------------------------


def everything(state):
    """Return all bytes that a bundle would hold of the state."""
    return b"".join(a.tobytes() for a in state.arrays.values()) + json.dumps(dict(state.values)).encode()


def test_nothing_one_off_is_in_the_state():
    generator = np.random.default_rng(0)
    n = 400
    columns = shard_of(
        name=[f"ward {i % 6}" for i in range(n - 1)] + ["Ernestine Qvist"],
        dose=[str(round(x, 3)) for x in generator.normal(80, 12, n - 1)] + ["731.923"],
        grade=[str(i % 3) for i in range(n - 1)] + ["88.125"],
        seen=[None] * (n - 3) + ["4.8828125"] * 3,
    )
    state = fitted(columns)
    held = everything(state)
    assert b"ward 3" in held
    assert b"Qvist" not in held
    assert "Ernestine Qvist" in columns.words.texts.tolist()
    assert columns.field("numbers").labels == ("dose", "grade", "seen")
    rare = columns["categories"][-1, 0]
    assert np.int64(rare).tobytes() not in held
    for one in (731.923, 88.125, 4.8828125):
        assert np.float32(one).tobytes() not in held
        assert np.float64(one).tobytes() not in held
        assert str(one).encode() not in held
    assert np.float32(2).tobytes() in held  # what is shared is found in this way, so that the search can fail


def test_numbers_of_few_patients_with_many_rows_stay_within_the_crowd():
    """Five rows of the highest values belong to one patient: the outer edges lie where five patients are beyond them."""
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 10)
    values = generator.normal(0, 1, (600, 1))
    values[groups == 7] += 100
    edges = fitted(columns_of(values), groups=groups).arrays["bins"][0]
    assert np.nanmax(edges) < 10


def test_edges_of_real_ages_lie_on_the_grid(data):
    """SUPPORT2 knows ages to the fifth digit after the point; the state knows tenths of years."""
    rows = pa.csv.read_csv(data / "records/support2.csv")
    values = np.array(rows.column("num_age").to_pylist(), np.float32)[:, None]
    assert np.mean(np.round(values, 1) == values) < 0.02
    state = fitted(columns_of(values))
    for name in ("center", "scale", "bins"):
        np.testing.assert_array_equal(state.arrays[name], np.round(state.arrays[name].astype(float), 1).astype(np.float32))
    assert np.isfinite(state.arrays["bins"]).all()


def test_blocks_of_rows_count_as_one():
    """Words whose fifth patient comes blocks later, beside a plain count."""
    n = 700_000
    generator = np.random.default_rng(0)
    words = generator.zipf(1.3, n).clip(max=50_000)
    groups = generator.integers(0, n // 3, n)
    fields = (Field("numbers", "float32", (0,)), Field("categories", "int64", (1,), labels=("c",)))
    arrays = {"numbers": np.zeros((n, 0), np.float32), "categories": words[:, None]}
    columns = Columns(fields, arrays, np.ones(n, bool), np.zeros((n, 2), np.int64))
    state = fitted(columns, groups=groups, vocabulary=10**6)
    pairs = np.unique(np.stack([words, groups]), axis=1)
    keys, sharers = np.unique(pairs[0], return_counts=True)
    assert 1000 < (sharers >= 5).sum() < len(keys)
    np.testing.assert_array_equal(state.arrays["vocabulary.0"], keys[sharers >= 5])
