"""A shard is its rows, and the same row is the same arrays whatever file it came in."""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes

from osler.contract import Modality
from osler.core.errors import Refusal
from osler.core.hashing import word_hash
from osler.core.table import Table
from osler.modalities.tables import Tables
from osler.modalities.tables.case import UNREADABLE

TABLES = Tables()
INPUT = frozenset({"input"})


def text_table(path):
    """Return a CSV file as the scan gives it: every cell a string, null where empty."""
    names = pa.csv.open_csv(path).schema.names
    options = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""])
    return Table(pa.csv.read_csv(path, convert_options=options), path.parent)


def located(table):
    locators = TABLES.locate(table, columns=table.columns)
    return locators, {d.name: d.value for d in TABLES.reading(locators, settings={})}


def assert_same(one, other):
    assert one.fields == other.fields
    for name in one.arrays:
        np.testing.assert_array_equal(one[name], other[name])
    np.testing.assert_array_equal(one.fingerprints, other.fingerprints)
    np.testing.assert_array_equal(one.present, other.present)
    assert one.refusals == other.refusals


# the law --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["support2.csv", "mimic3demo/PATIENTS.csv.gz", "mimic3demo/ADMISSIONS.csv.gz"])
def test_a_shard_is_its_rows(data, name):
    locators, reading = located(text_table(data / "records" / name))
    rows = locators[:60]
    assert_same(TABLES.shard(rows, reading=reading, roles=INPUT), Modality.shard(TABLES, rows, reading=reading, roles=INPUT))


CELLS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.floats().map(str),
    st.integers().map(str),
    st.dates().map(str),
    st.sampled_from(
        ["yes", "No", "TRUE", " f ", "1,5", "1.234,5", "1,234.5", "<5", "NA", "31/12/1999", "5-Mar-2094", "1e39", "-0.0"]
    ),
)
KIND = st.sampled_from(["number", "boolean", "date", "category"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6), st.tuples(KIND, KIND, KIND), st.data())
def test_a_shard_is_its_rows_whatever_the_cells_say(rows, kinds, draw):
    names = ("a", "b", "c")
    table = Table(pa.table([pa.array(column, pa.string()) for column in zip(*rows, strict=True)], names), folder=None)
    reading = {
        "kinds": dict(zip(names, kinds, strict=True)),
        "commas": {"a": draw.draw(st.sampled_from(["decimal", "thousands"]))},
        "dates": {"b": draw.draw(st.sampled_from(["dmy", "mdy"]))},
    }
    locators = TABLES.locate(table, columns=names)
    TABLES.reading(locators, settings={})  # decides something about any cells
    together = TABLES.shard(locators, reading=reading, roles=INPUT)
    assert_same(together, Modality.shard(TABLES, locators, reading=reading, roles=INPUT))
    assert not np.isinf(together["numbers"]).any()


# one content, many files ----------------------------------------------------------------------------------------------


def test_text_and_types_encode_alike(data, tmp_path):
    """SUPPORT2 as a CSV of strings and as the typed Parquet file that polars makes of it."""
    source = data / "records/support2.csv"
    text = text_table(source)
    pl.read_csv(source, infer_schema_length=None).write_parquet(tmp_path / "typed.parquet")
    typed = Table(pa.parquet.read_table(tmp_path / "typed.parquet"), tmp_path)
    locators, reading = located(text)
    assert typed.rows.schema.field("fac_diabetes").type != pa.string()
    for kinds in (reading["kinds"], dict.fromkeys(reading["kinds"], "category")):
        shards = [TABLES.shard(x, reading={"kinds": kinds}, roles=INPUT) for x in (locators, located(typed)[0])]
        assert_same(*shards)


@pytest.mark.parametrize(
    ("kind", "texts", "typed"),
    [
        ("category", ["1", "1.0", "+1", None], pa.array([1, 1, 1, None])),
        ("category", ["1", "2.50", "nan"], pa.array([1.0, 2.5, float("nan")])),
        ("category", ["True", "FALSE", ""], pa.array([True, False, None])),
        ("category", ["b", " a", "b"], pa.array(["b", "a", "b"]).dictionary_encode()),
        ("boolean", ["yes", "N", "1", "0.0", "?"], pa.array([True, False, True, False, None])),
        ("boolean", ["y", "f"], pa.array([1, 0])),
        ("boolean", ["t", "no"], pa.array([1.0, 0.0])),
        ("date", ["1970-01-02", "2094-03-05"], pa.array([1, 45354], pa.date32())),
        ("date", ["1970-01-01T12:00", "1970-01-02 01:00:00+01:00"], pa.array([43_200, 86_400]).cast(pa.timestamp("s"))),
        ("number", ["1.50", " 2 ", "-0.0", "", "."], pa.array([1.5, 2, 0, None, float("nan")])),
        ("number", ["1.25", "3"], pa.array([1.25, 3]).cast(pa.decimal128(25, 2))),
        ("number", ["1", "0"], pa.array([True, False])),
    ],
)
def test_same_content_same_arrays(kind, texts, typed):
    shards = [
        TABLES.shard(
            TABLES.locate(Table(pa.table({"x": cells}), None), columns=["x"]), reading={"kinds": {"x": kind}}, roles=INPUT
        )
        for cells in (pa.array(texts, pa.string()), typed)
    ]
    assert_same(*shards)
    assert len(np.unique(shards[0].fingerprints[:, 0])) == len(
        np.unique(shards[0].arrays["numbers" if kind != "category" else "categories"])
    )


def test_order_of_columns_does_not_change_what_a_row_is(data):
    locators, reading = located(text_table(data / "records/support2.csv"))
    turned = {"kinds": dict(reversed(reading["kinds"].items()))}
    one, other = (TABLES.shard(locators, reading=r, roles=INPUT) for r in (reading, turned))
    np.testing.assert_array_equal(one.fingerprints, other.fingerprints)
    assert one.field("numbers").labels == other.field("numbers").labels[::-1]


@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes])
def test_different_rows_of_real_data_have_different_fingerprints(load, tmp_path):
    frame = load()
    values = np.vstack([frame.data, frame.data[7]])
    table = Table(pa.table(list(values.T), list(frame.feature_names)), tmp_path)
    locators, reading = located(table)
    columns = TABLES.shard(locators, reading=reading, roles=INPUT)
    different, first = np.unique(columns.fingerprints, axis=0, return_index=True)
    assert len(different) == len(frame.data) == len(np.unique(frame.data, axis=0))
    assert set(range(len(values))) - set(first.tolist()) == {len(frame.data)}
    np.testing.assert_array_equal(columns["numbers"], values.astype(np.float32))


# what a cell says -----------------------------------------------------------------------------------------------------


def shard_of(kind, cells, **reading):
    table = Table(pa.table({"x": pa.array(cells, pa.string())}), None)
    return TABLES.shard(TABLES.locate(table, columns=["x"]), reading={"kinds": {"x": kind}, **reading}, roles=INPUT)


def test_what_is_no_number_is_missing_and_told_from_an_empty_cell():
    values = shard_of("number", ["1", "<5", "inf", "1e39", "NA", None])["numbers"]
    assert values[0, 0] == 1
    assert np.isnan(values[1:]).all()
    assert (values.view(np.uint32)[:, 0] == UNREADABLE).tolist() == [False, True, True, True, False, False]


@pytest.mark.parametrize(
    ("comma", "cells", "values"),
    [
        ("decimal", ["1,5", "1.234,5", "1.234", "7", ",5", "1.5", "1,2,3"], [1.5, 1234.5, 1234, 7, 0.5, np.nan, np.nan]),
        ("thousands", ["1,234", "1,234.5", "1,234,567", "2.5", "1,5", "12,34"], [1234, 1234.5, 1234567, 2.5, np.nan, np.nan]),
    ],
)
def test_commas(comma, cells, values):
    np.testing.assert_array_equal(shard_of("number", cells, commas={"x": comma})["numbers"][:, 0], np.array(values, np.float32))


@pytest.mark.parametrize(
    ("order", "cell", "day"),
    [
        ("dmy", "03/04/2020", "2020-04-03"),
        ("mdy", "03/04/2020", "2020-03-04"),
        ("mdy", "03.04.2020", "2020-04-03"),  # with points the day is first everywhere
        ("dmy", "2020/04/03", "2020-04-03"),
        ("dmy", "3 April 2020", "2020-04-03"),
        ("dmy", "Apr 3, 2020", "2020-04-03"),
        ("dmy", "03APR2020", "2020-04-03"),
        ("dmy", "sept. 3 2020", "2020-09-03"),
        ("dmy", "29/02/2000", "2000-02-29"),
        ("dmy", "0001-01-01", "0001-01-01"),
        ("dmy", "9999-12-31", "9999-12-31"),
    ],
)
def test_dates(order, cell, day):
    got = shard_of("date", [cell], dates={"x": order})["numbers"][0, 0]
    assert got == np.datetime64(day).astype("M8[D]").astype(int)


@pytest.mark.parametrize(
    "cell", ["29/02/1900", "31/04/2020", "00/01/2020", "2020-01-01 24:61", "1/2/20", "5-Mxx-2020", "20200101"]
)
def test_days_that_do_not_exist(cell):
    assert shard_of("date", [cell], dates={"x": "dmy"})["numbers"].view(np.uint32)[0, 0] == UNREADABLE


@settings(max_examples=60, deadline=None)
@given(st.datetimes())
def test_any_time_is_read_back(moment):
    got = shard_of("date", [moment.replace(microsecond=0).isoformat(sep=" ")])["numbers"][0, 0]
    assert got == np.float32(np.datetime64(moment.replace(microsecond=0), "s").astype(int) / 86_400)


def test_words_of_a_shard():
    columns = shard_of("category", ["male", "female", "male", " male", "", "NA", "01", "1.00"])
    hashed = columns["categories"][:, 0]
    assert hashed.tolist() == [word_hash(w) if w else 0 for w in ("male", "female", "male", "male", "", "", "01", "1")]
    assert columns.words.keys.tolist() == sorted(set(columns.words.keys.tolist()))
    assert sorted(columns.words.texts) == ["01", "1", "female", "male"]
    assert columns.words.text(word_hash("male")) == "male"


def test_garbled_rows_are_absent():
    refusal = Refusal("garbled", "the line is too long")
    table = Table(pa.table({"x": ["1", None, "3"], "y": ["a", None, "b"]}), None, refusals={1: refusal})
    columns = TABLES.shard(
        TABLES.locate(table, columns=["x", "y"])[1:], reading={"kinds": {"x": "number", "y": "category"}}, roles=INPUT
    )
    assert columns.refusals == {0: refusal}
    assert columns.present.tolist() == [False, True]
    assert columns.fingerprints[0].tolist() == [0, 0]


def test_no_input_role_no_arrays():
    table = Table(pa.table({"x": ["1"]}), None)
    columns = TABLES.shard(TABLES.locate(table, columns=["x"]), reading={"kinds": {"x": "number"}}, roles=frozenset({"target"}))
    assert columns.arrays == {}


def test_more_rows_than_are_parsed_at_once():
    n = 150_000
    table = Table(pa.table({"x": [str(i) for i in range(n)], "c": [f"w{i % 7}" for i in range(n)], "l": ["z"] * n}), None)
    reading = {"kinds": {"x": "number", "c": "category", "l": "text"}}
    columns = TABLES.shard(TABLES.locate(table, columns=table.columns), reading=reading, roles=INPUT)
    np.testing.assert_array_equal(columns["numbers"][:, 0], np.arange(n, dtype=np.float32))
    assert [columns.words.text(k) for k in columns["categories"][-3:, 0]] == [f"w{i % 7}" for i in range(n - 3, n)]
