# ruff: noqa: DTZ001 - spreadsheets know no time zones
"""Excel, Parquet and Arrow, and columns as arrays."""

import datetime as dt
import decimal
import gzip
import zipfile

import numpy as np
import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osler.core.errors import TableError
from osler.core.table import Table
from osler.spine.scan import blocks, column_values, open_table, rows_about


def cells(table):
    return [[row[name] for name in table.columns] for row in table.rows.to_pylist()]


def book(path, sheets, *, merge=None):
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if merge:
            sheet.merge_cells(merge)
    made.save(path)
    return path


ROWS = [
    ["id", "age", "seen", "note", "dead"],
    [1, 70.5, dt.datetime(2020, 1, 2), "text", True],
    [None, None, None, None, None],
    [20000000, 0.1, dt.datetime(2020, 1, 2, 3, 4, 5), "  ", False],
    [3, None, dt.time(3, 4), "=1/0", None],
]


def test_excel_cells_are_the_strings_that_csv_would_hold(tmp_path):
    table = open_table(book(tmp_path / "b.xlsx", {"patients": ROWS, "empty": []}), cache=tmp_path / "cache")
    assert table.columns == ("id", "age", "seen", "note", "dead")
    assert cells(table) == [
        ["1", "70.5", "2020-01-02", "text", "TRUE"],
        ["20000000", "0.1", "2020-01-02 03:04:05", None, "FALSE"],
        ["3", None, "03:04:00", None, None],
    ]
    assert [cells(part) for part in blocks(tmp_path / "b.xlsx", size=2)] == [cells(table)[:2], cells(table)[2:]]


def test_a_table_that_does_not_begin_in_the_first_cell_of_the_sheet(tmp_path):
    rows = [[None, None], [None, "a", "b"], [None, 1, 2]]
    assert cells(open_table(book(tmp_path / "b.xlsx", {"x": rows}), cache=tmp_path / "cache")) == [["1", "2"]]


def test_a_sheet_is_named_behind_the_file(tmp_path):
    path = book(tmp_path / "b.xlsx", {"one": [["a"], [1]], "two": [["b"], [2]]})
    table = open_table(path.with_name("b.xlsx#two"), cache=tmp_path / "cache")
    assert (table.columns, cells(table)) == (("b",), [["2"]])
    assert open_table(path.with_name("b.xlsx#one"), cache=tmp_path / "cache").columns == ("a",)
    with pytest.raises(TableError, match=r"'b.xlsx' has no sheet 'twos'; did you mean 'two'\?"):
        open_table(path.with_name("b.xlsx#twos"), cache=tmp_path / "cache")
    with pytest.raises(TableError, match=r"several sheets: 'one', 'two'; say which, as in 'b.xlsx#one'"):
        open_table(path, cache=tmp_path / "cache")


def test_merged_cells_are_refused_with_their_place(tmp_path):
    path = book(tmp_path / "b.xlsx", {"x": [["a", "b"], [1, 2], [3, 4]]}, merge="A2:B3")
    with pytest.raises(TableError, match=r"'b.xlsx', sheet 'x': merged cells at A2:B3; unmerge them"):
        open_table(path, cache=tmp_path / "cache")


def test_sheets_without_content(tmp_path):
    with pytest.raises(TableError, match="no cell that holds anything"):
        open_table(book(tmp_path / "b.xlsx", {"x": [], "y": []}), cache=tmp_path / "cache")
    with pytest.raises(TableError, match="has a header but no rows"):
        open_table(book(tmp_path / "c.xlsx", {"x": [["a", "b"]]}), cache=tmp_path / "cache")


def test_a_workbook_with_another_ending_is_known_by_its_content(tmp_path):
    path = book(tmp_path / "b.xlsx", {"x": [["a"], [1]]}).rename(tmp_path / "b.csv")
    assert cells(open_table(path, cache=tmp_path / "cache")) == [["1"]]


MANIFEST = """<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"""
ODS = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="x">
<table:table-row><table:table-cell office:value-type="string"><text:p>age</text:p></table:table-cell></table:table-row>
<table:table-row><table:table-cell office:value-type="float" office:value="70"><text:p>70</text:p></table:table-cell></table:table-row>
</table:table></office:spreadsheet></office:body></office:document-content>"""


def test_open_document_sheets(tmp_path):
    with zipfile.ZipFile(tmp_path / "b.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr("content.xml", ODS)
    table = open_table(tmp_path / "b.ods", cache=tmp_path / "cache")
    assert (table.columns, cells(table)) == (("age",), [["70"]])


TYPED = pa.table({
    "number": pa.array([1.5, None, 3.0]),
    "whole": pa.array([1, None, 3], pa.int32()),
    "flag": pa.array([True, None, False]),
    "day": pa.array([dt.date(2020, 1, 2), None, dt.date(1999, 12, 31)]),
    "word": pa.array(["x", None, "y"]).dictionary_encode(),
    "view": pa.array(["p", None, "q"], pa.string_view()),
    "list": pa.array([[1], None, [2, 3]]),
})  # fmt: skip


def written(path, rows):
    if path.suffix == ".parquet":
        pq.write_table(rows, path, row_group_size=2)
        return path
    opener = pa.ipc.new_stream if path.suffix == ".stream" else pa.ipc.new_file
    with path.open("wb") as file, opener(file, rows.schema) as writer:
        writer.write_table(rows, max_chunksize=2)
    return path


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.stream"])
def test_typed_files_keep_their_types(name, tmp_path):
    rows = TYPED.drop_columns(["view"]) if name == "t.parquet" else TYPED
    table = open_table(written(tmp_path / name, rows), cache=tmp_path / "cache")
    assert table.rows.to_pylist() == rows.to_pylist()
    assert table.rows.schema.field("number").type == pa.float64()
    assert table.rows.schema.field("word").type == pa.string()
    assert [row for part in blocks(tmp_path / name, size=1) for row in part.rows.to_pylist()] == rows.to_pylist()


def test_dictionaries_that_differ_between_batches(tmp_path):
    batches = [pa.record_batch({"a": pa.array(words).dictionary_encode()}) for words in (["x", "y"], ["z", "x"])]
    with (tmp_path / "t.arrow").open("wb") as file, pa.ipc.new_stream(file, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    assert cells(open_table(tmp_path / "t.arrow", cache=tmp_path / "cache")) == [["x"], ["y"], ["z"], ["x"]]


def test_a_column_of_numbers_is_float_and_missing_is_nan():
    table = Table(TYPED, None)
    for name in ("number", "whole"):
        values = column_values(table, name)
        assert values.dtype == np.float64
        np.testing.assert_array_equal(values, [1.5 if name == "number" else 1.0, np.nan, 3.0])
    decimals = Table(pa.table({"d": pa.array([decimal.Decimal("1.25"), None])}), None)
    np.testing.assert_array_equal(column_values(decimals, "d"), [1.25, np.nan])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("flag", ["true", None, "false"]),
        ("day", ["2020-01-02", None, "1999-12-31"]),
        ("word", ["x", None, "y"]),
        ("list", ["[1]", None, "[2, 3]"]),
    ],
)
def test_other_columns_are_text_and_missing_is_none(name, wanted):
    values = column_values(Table(TYPED, None), name)
    assert values.dtype == object
    assert values.tolist() == wanted


def test_text_is_stripped_and_the_signs_for_missing_are_missing():
    words = ["", " ", "NA", " N/A", "NaN", "nan", "null", "NULL", "None", ".", "?", None]
    table = Table(pa.table({"a": pa.array([*words, " x ", "Nana", "1", "\u00a0y\t"])}), None)
    assert column_values(table, "a").tolist() == [None] * len(words) + ["x", "Nana", "1", "y"]


def test_long_whole_numbers_stay_apart():
    numbers = [2**53 + 1, 2**53 + 2, None]
    assert column_values(Table(pa.table({"id": numbers}), None), "id").tolist() == [str(numbers[0]), str(numbers[1]), None]
    np.testing.assert_array_equal(column_values(Table(pa.table({"id": [2**53, 1]}), None), "id"), [2.0**53, 1.0])


def test_a_column_without_any_value_and_one_that_is_not_there():
    table = Table(pa.table({"malignant": pa.nulls(2)}), None)
    assert column_values(table, "malignant").tolist() == [None, None]
    with pytest.raises(TableError, match=r"no column 'malignent'; did you mean 'malignant'\?"):
        column_values(table, "malignent")


def test_about_how_many_rows_a_table_has_is_told_without_reading_it(tmp_path):
    frame = pl.DataFrame({"a": range(200_000), "b": ["word"] * 200_000})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes(), 1))
    assert rows_about(tmp_path / "t.csv") == pytest.approx(200_000, rel=0.1)
    assert rows_about(tmp_path / "t.parquet") == 200_000
    assert rows_about(tmp_path / "t.csv.gz") is None
