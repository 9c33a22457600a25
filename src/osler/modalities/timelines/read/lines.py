"""Lines of text as rows of a table: delimiters, quotes, encodings, and lines that are no row."""

from __future__ import annotations

import codecs
import functools
import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.errors import TableError

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 1 << 24  # bytes parsed at once
NO_ROW = "line that has another number of cells than the header"


def text_header(path: Path) -> tuple[list[str], str]:
    """Return the names of the columns and what stands between cells; raises TableError where there are none."""
    import csv

    head = _first_line(path)
    if head is None:
        raise TableError(f"'{path.name}' is written in UTF-16; export it as UTF-8 (in Excel: CSV UTF-8)")
    if not head.strip():
        raise TableError(f"'{path.name}' is empty; wanted a table of events with a header")
    if "\0" in head:
        raise TableError(f"'{path.name}' is no text: its first line holds NUL bytes; wanted a table with a header")
    delimiter = max(",;\t|", key=head.count)
    return next(csv.reader([head.rstrip("\r\n")], delimiter=delimiter)), delimiter


def text_blocks(path: Path, columns: Sequence[str]) -> Iterator[tuple[pa.Table, int]]:
    """Yield blocks of `columns` as text, with the number of lines that have another number of cells than the header."""
    import pyarrow as pa
    from pyarrow import csv

    names, delimiter = text_header(path)
    look = _look(path, delimiter=delimiter, columns=len(names))
    lost = [0]

    def skip(row: csv.InvalidRow) -> str:  # noqa: ARG001  pyarrow gives the row
        lost[0] += 1
        return "skip"

    options: dict[str, Any] = {
        "read_options": csv.ReadOptions(block_size=BLOCK, encoding=look.encoding),
        "parse_options": csv.ParseOptions(
            delimiter=delimiter, quote_char='"' if look.quoted else False, newlines_in_values=look.torn, invalid_row_handler=skip
        ),
        "convert_options": csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), include_columns=list(columns),
            strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=True,
        ),
    }  # fmt: skip
    told = 0
    squeezed = "gzip" if path.name.lower().endswith(".gz") else None
    with pa.input_stream(str(path), compression=squeezed) as file, csv.open_csv(file, **options) as stream:
        for batch in stream:
            rows = pa.Table.from_batches([batch])
            rows = rows if look.quoted else _unquoted(rows)
            yield (_decimal_points(rows) if delimiter == ";" else rows), lost[0] - told
            told = lost[0]
    if lost[0] > told:
        yield pa.table({name: pa.array([], pa.string()) for name in columns}), lost[0] - told


def _decimal_points(rows: pa.Table) -> pa.Table:
    """Return the rows with 7,4 written 7.4: where semicolons part the cells, a comma is a decimal one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    arrays = [pc.replace_substring_regex(rows.column(n), r"^\s*([+-]?\d+),(\d+)\s*$", r"\1.\2") for n in rows.column_names]
    return pa.table(dict(zip(rows.column_names, arrays, strict=True)))


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")


def _first_line(path: Path) -> str | None:
    """Return the first line, None where it is UTF-16, of whose rows Arrow would read other bytes."""
    with _opened(path) as stream:
        line = stream.readline(1 << 20)
    return None if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else line.decode("utf-8-sig", "replace")


def _unquoted(rows: pa.Table) -> pa.Table:
    """Return the rows without quotes around cells."""
    import pyarrow as pa
    import pyarrow.compute as pc

    arrays = [pc.replace_substring_regex(rows.column(n), r'^"(.*)"$', r"\1") for n in rows.column_names]
    return pa.table(dict(zip(rows.column_names, arrays, strict=True)))


@dataclass(frozen=True, slots=True)
class _Look:
    """How a text is to be read: its `encoding`, whether quotes are quotes, and whether they may hold ends of lines."""

    encoding: str
    quoted: bool
    torn: bool


def _look(path: Path, *, delimiter: str, columns: int) -> _Look:
    return _looked(path, path.stat().st_mtime_ns, delimiter, columns)


@functools.lru_cache(maxsize=64)
def _looked(path: Path, stamp: int, delimiter: str, columns: int) -> _Look:  # noqa: ARG001  a file written again is another
    """Return utf8 where the whole file is, else latin-1, in which each byte means something; and what its quotes are."""
    decoder, utf8, quotes = codecs.getincrementaldecoder("utf-8")(), True, False
    with _opened(path) as stream:
        while chunk := stream.read(1 << 22):
            quotes = quotes or b'"' in chunk
            if utf8 and (np.frombuffer(chunk, np.uint8).max() >= 128 or decoder.getstate()[0]):
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    utf8 = False
    quoted, torn = _quotes(path, delimiter=delimiter.encode(), columns=columns) if quotes else (True, False)
    return _Look("utf8" if utf8 else "latin-1", quoted, torn)


def _quotes(path: Path, *, delimiter: bytes, columns: int) -> tuple[bool, bool]:
    """Return whether quotes are quotes, and whether they hold ends of lines.

    A quote that is never closed, or only many lines later, would swallow whole rows without a word. It shows by the end of the file,
    or by a line inside it that has all the cells of a row; then no quote is taken for one, and what does not fit is counted.
    """
    begin, inside, torn = delimiter + b'"', False, False
    with io.BufferedReader(_opened(path), 1 << 20) as stream:
        for line in stream:
            odd = bool(line.count(b'"') & 1)
            if inside and line.count(delimiter) == columns - 1:
                return False, False
            if odd and (inside or line.startswith(b'"') or begin in line):
                inside, torn = not inside, True
    return not inside, torn and not inside
