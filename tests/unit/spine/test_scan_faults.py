"""Files that are no tables: each has its sentence, and no cell stands in it."""

import bz2
import gzip
import os
import random

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osler.core.errors import RequestError, TableError
from osler.spine.scan import blocks, open_table


def raises(folder, content, match, name="t.csv"):
    path = folder / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TableError, match=match) as caught:
        open_table(path, cache=folder / "cache")
    assert caught.value.exit_code == 2
    assert "secret" not in str(caught.value)
    assert not list((folder / "cache").glob("*")) if (folder / "cache").exists() else True
    with pytest.raises(TableError):
        for _ in blocks(path):
            pass


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", r"'t.csv' is empty \(0 bytes\); wanted a header line and rows"),
        ("\n\n\r\n", "blank lines only"),
        ("\ufeff", "blank lines only"),
        ("a,b\n", "has a header but no rows"),
        ("a,b", "has a header but no rows"),
        ("a,b,a,c,b\n1,2,3,4,5\n", "2 column names used more than once: 'a', 'b'; rename them"),
        ("a,a \n1,2\n", "1 column name used more than once: 'a'"),
        ("a,,b,\n1,2,3,4\n", "2 columns without a name, at position 2, 4 of 4"),
        ('""\n1\n', "1 column without a name, at position 1 of 1"),
        ('a,b\n1,"secret\n2,3\n', "a quotation mark that is opened in the record of line 2 is never closed"),
        ('a,b\n1,2\n3,"x\ny"\n4,"secret', "opened in the record of line 5"),
        ('"a,b\n1,2\n', "quotation mark in its first line that is never closed"),
        ("a\0,b\n1,2\n", "NUL bytes in its first line"),
        (b"\x01\x02\x03\x04\x05" * 100, "no text that could be a table"),
        (bytes(random.Random(0).randbytes(5000)), "no text that could be a table"),
        (b"\0" * 5000, "no text that could be a table"),
    ],
)
def test_text_that_is_no_table(content, match, tmp_path):
    raises(tmp_path, content, match)


def test_a_table_none_of_whose_rows_fits_its_header(tmp_path):
    text = "a,b\nsecret,1,2\nsecret,3,4\n"
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(
        TableError, match=r"none of its 2 rows can be used; the first: ragged: .* 3 cells, the header 2; a line above"
    ):
        open_table(tmp_path / "t.csv", cache=tmp_path / "cache")


def test_an_undecodable_header_among_good_rows(tmp_path):
    raises(tmp_path, b"a,M\xfcller\n" + "é,ü\n".encode() * 9, "first line that cannot be decoded")


def test_a_record_without_end(tmp_path):
    raises(tmp_path, b'a,b\n1,"' + b"secret " * (10 << 20), r"the record that begins in line 2 is longer than 64 MB")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packing_that_is_cut_off_or_damaged(pack, tmp_path):
    whole = pack(b"a,b\n" + random.Random(0).randbytes(20_000).hex().encode().replace(b"7", b",1\n"))
    raises(tmp_path, whole[: len(whole) // 2], "cut off", name="t.csv.gz")
    middle = len(whole) // 2
    raises(tmp_path, whole[:middle] + bytes(64) + whole[middle + 64 :], "damaged (gzip|bz2) packing", name="t.csv.gz")


def zstd(text):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(text)
    return sink.getvalue().to_pybytes()


def test_zstd_that_is_cut_off(tmp_path):
    whole = zstd(b"a,b\n" + random.Random(0).randbytes(20_000).hex().encode())
    raises(tmp_path, whole[: len(whole) // 2], "zstd packing", name="t.csv.zst")


@pytest.fixture
def parquet(tmp_path):
    pq.write_table(pa.table({"a": ["secret"] * 1000, "b": list(range(1000))}), tmp_path / "good.parquet")
    return (tmp_path / "good.parquet").read_bytes()


def test_damaged_parquet_and_arrow(parquet, tmp_path):
    raises(tmp_path, parquet[:-100], "no Parquet file that can be read", name="t.parquet")
    raises(tmp_path, b"PAR1" + bytes(100) + b"PAR1", "no Parquet file that can be read", name="t.csv")
    raises(tmp_path, b"a,b\n1,2\n", "no Parquet file that can be read", name="t.parquet")
    raises(tmp_path, b"a,b\n1,2\n", "no Arrow file that can be read", name="t.arrow")
    raises(tmp_path, b"ARROW1\0\0" + bytes(100), "no Arrow file that can be read", name="t.feather")


def test_typed_tables_without_rows_or_with_bad_names(tmp_path):
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), tmp_path / "t.parquet")
    raises(tmp_path, None, "header but no rows", name="t.parquet")
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "u.parquet")
    raises(tmp_path, None, "column name used more than once: 'a'", name="u.parquet")


def test_text_that_parquet_calls_a_string_but_is_none(tmp_path):
    wrong = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    pq.write_table(pa.table({"a": wrong}), tmp_path / "t.parquet")
    raises(tmp_path, None, "no Parquet file that can be read", name="t.parquet")


def test_damaged_workbooks(tmp_path):
    made = openpyxl.Workbook()
    made.active.append(["a"])
    made.active.append(["secret"])
    made.save(tmp_path / "good.xlsx")
    whole = (tmp_path / "good.xlsx").read_bytes()
    raises(tmp_path, whole[: len(whole) // 2], "no Excel or OpenDocument workbook", name="t.xlsx")
    raises(tmp_path, b"a,b\n1,2\n", "no Excel or OpenDocument workbook", name="t.xlsx")
    raises(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "no Excel or OpenDocument workbook", name="t.xls")


def test_what_is_no_file(tmp_path):
    raises(tmp_path, None, "is a folder; wanted a file: CSV, TSV", name=".")
    (tmp_path / "patients.csv").write_text("a\n1\n")
    raises(tmp_path, None, r"no file 'patient.csv' in '.*'; did you mean 'patients.csv'\?", name="patient.csv")
    raises(tmp_path, None, "there is no folder", name="nowhere/patients.csv")
    raises(tmp_path, None, "no file", name="x" * 3000)
    raises(tmp_path, None, "no file", name="a\0b")
    os.mkfifo(tmp_path / "pipe.csv")
    raises(tmp_path, None, "no ordinary file", name="pipe.csv")


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(RequestError, match=r"cache' is no folder that exists; create it"):
        open_table(tmp_path / "t.csv", cache=tmp_path / "cache")
    with pytest.raises(RequestError, match=r"below' is no folder that exists"):
        open_table(tmp_path / "t.csv", cache=tmp_path / "cache" / "below")
