"""Laws of the reader: no bytes make it fail in another way than it says, and what was written is what is read."""

import contextlib
import csv
import io
import string
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from osler.core.errors import TableError
from osler.core.table import Table
from osler.spine.scan import blocks, column_values, open_table

ENDINGS = [".csv", ".tsv", ".txt", "", ".csv.gz", ".bz2", ".zst", ".parquet", ".arrow", ".feather", ".xlsx", ".xls", ".ods"]
MAGIC = [
    b"",
    b"PAR1",
    b"ARROW1\0\0",
    b"\xff\xff\xff\xff",
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
    b"BZh9",
    b"\x28\xb5\x2f\xfd",
    b"\xff\xfe",
    b"a,b\n1,",
]
TABLE_LIKE = st.text(alphabet='ab1,;\t|"\r\n\0 é', max_size=120).map(lambda text: text.encode())
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]
# A lone surrogate has no bytes; a file of control characters is no text.
LETTER = st.one_of(st.characters(exclude_categories=("Cs", "Cc")), st.sampled_from('\t",;|= '))
PLAIN_CELL = st.text(alphabet=LETTER, max_size=12)
QUOTED_CELL = st.text(alphabet=st.one_of(LETTER, st.sampled_from("\r\n")), max_size=12)
NAMES = st.lists(st.text(alphabet=string.ascii_letters + "_é漢", min_size=1, max_size=6), min_size=1, max_size=5, unique=True)


def tried(content, ending):
    """Open the bytes; what is no table raises TableError, and blocks agree with the whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t{ending}"
        path.write_bytes(content)
        try:
            table = open_table(path, cache=Path(folder) / "cache")
        except TableError:
            return None
        assert isinstance(table, Table)
        for name in table.columns:
            assert column_values(table, name).shape == (len(table),)
        assert all(0 <= row < len(table) for row in table.refusals)
        streamed = list(blocks(path, size=3))
        assert pa.concat_tables([part.rows for part in streamed]).equals(table.rows.combine_chunks())
        assert {row + part.first: refusal for part in streamed for row, refusal in part.refusals.items()} == table.refusals
        return table.rows.to_pydict(), table.refusals


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.builds(bytes.__add__, st.sampled_from(MAGIC), st.binary(max_size=200)), TABLE_LIKE), st.sampled_from(ENDINGS))
def test_any_bytes_with_any_ending_are_a_table_or_a_table_error(content, ending):
    tried(content, ending)


def texts(content):
    """Yield the content as the encodings read it that its bytes may be taken for: a NUL in every second is UTF-16."""
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        with contextlib.suppress(UnicodeDecodeError):
            yield content.decode(encoding)


@settings(max_examples=200, deadline=None)
@example(b"11\x001\x00\r11")
@given(TABLE_LIKE)
def test_rows_are_those_of_the_standard_library_wherever_it_reads_strictly(content):
    read = tried(content, ".csv")
    if read is None or read[1]:
        return
    columns = read[0]
    for text, delimiter in product(texts(content), ",\t;|"):
        found = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
        if found and len(found[0]) == len(columns) and all(len(row) == len(columns) for row in found):
            rows = [[cell or None for cell in row] for row in found[1:]]
            if rows == [list(row) for row in zip(*columns.values(), strict=True)]:
                return
    pytest.fail("no reading of the standard library gives these rows")


@settings(max_examples=150, deadline=None)
@given(
    st.data(), NAMES, st.sampled_from(",\t;|"), st.sampled_from(ENCODINGS), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans()
)
def test_what_was_written_is_what_is_read(data, names, delimiter, encoding, end, quoted):
    cell = QUOTED_CELL if quoted else PLAIN_CELL  # csv.writer leaves a line end bare that is not its own
    rows = data.draw(st.lists(st.lists(cell, min_size=len(names), max_size=len(names)), min_size=1, max_size=6))
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([names, *rows])
    read = tried(text.getvalue().encode(encoding), ".csv")
    assert read is not None
    assert list(read[0]) == names
    assert [[cell or "" for cell in row] for row in zip(*read[0].values(), strict=True)] == rows
    assert not read[1]


@pytest.fixture(scope="module")
def whole_files():
    """One good file of each binary kind."""
    rows = pa.table(
        {"a": [1, None, 3] * 20, "b": ["x", "yy", None] * 20, "c": pa.array(["u", "v", "u"] * 20).dictionary_encode()}
    )
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(rows, Path(folder) / "t.parquet")
        files[".parquet"] = (Path(folder) / "t.parquet").read_bytes()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
    files[".arrow"] = sink.getvalue().to_pybytes()
    made = openpyxl.Workbook()
    for row in [("a", "b"), *((at, f"x{at}") for at in range(20))]:
        made.active.append(row)
    held = io.BytesIO()
    made.save(held)
    files[".xlsx"] = held.getvalue()
    return files


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".xlsx"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 8))
def test_changed_bytes_are_a_table_or_a_table_error(whole_files, ending, seed, changes):
    content = np.frombuffer(whole_files[ending], np.uint8).copy()
    generator = np.random.default_rng(seed)
    content[generator.integers(0, len(content), changes)] = generator.integers(0, 256, changes)
    tried(content.tobytes(), ending)
