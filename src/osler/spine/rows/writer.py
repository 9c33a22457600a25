"""Writing one table in blocks, in the format that its name ends in."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

from osler.core.disk import sweep, whole
from osler.core.errors import RequestError
from osler.spine.rows.frame import frame, harmless

Sink: TypeAlias = Callable[[pa.Table], None]


class Writer:
    """Takes blocks of rows in their order; made by `open_writer`.

    The first block, or the schema given, settles columns and types; `rows` counts what was written.
    """

    def __init__(self, sink: Sink, *, schema: pa.Schema | None = None) -> None:
        self.rows = 0
        self._sink = sink
        self._schema = schema

    def write(self, columns: Mapping[str, np.ndarray]) -> None:
        """Append a block: columns by name, each (n,)."""
        self.write_table(frame(columns))

    def write_table(self, rows: pa.Table) -> None:
        """Append a block that is an Arrow table already."""
        if self._schema is None:
            self._schema = rows.schema
        assert rows.column_names == self._schema.names, "each block has the columns of the first"
        self._sink(rows.cast(self._schema))
        self.rows += len(rows)


@contextlib.contextmanager
def open_writer(path: Path, *, schema: pa.Schema | None = None) -> Iterator[Writer]:
    """Give a Writer of the table `path`, which appears whole when all went well, and not at all otherwise.

    Text cells and column names that a spreadsheet would run as formulas get a leading apostrophe in CSV and TSV; other
    formats keep every cell as it is. Missing values are empty cells, or null. Without a block there is a header only where a
    `schema` is given. Raises RequestError for an unknown ending and for a place that cannot be written to, OutputError for
    a full disk.
    """
    sink_of = _format(path)
    sweep(path)
    with whole(path) as temporary, contextlib.ExitStack() as stack:
        writer = Writer(sink_of(temporary, stack), schema=schema)
        yield writer
        if not writer.rows and schema is not None:
            writer.write_table(schema.empty_table())


def check_ending(path: Path) -> None:
    """Raise RequestError where `open_writer` knows no format for the name, before any work is done."""
    _format(path)


def is_table_name(path: Path) -> bool:
    """Return whether `open_writer` knows a format for the name."""
    name = path.name.lower()
    return any(name.endswith(ending) for ending in _FORMATS)


def _format(path: Path) -> Callable[[Path, contextlib.ExitStack], Sink]:
    name = path.name.lower()
    for ending, sink_of in _FORMATS.items():
        if name.endswith(ending) and name != ending:
            return sink_of
    raise RequestError(f"'{path.name}': no format is known by this ending; known: {', '.join(_FORMATS)}")


def _text(separator: str, *, packed: bool = False) -> Callable[[Path, contextlib.ExitStack], Sink]:
    def sink_of(path: Path, stack: contextlib.ExitStack) -> Sink:
        file = stack.enter_context(_packed(path) if packed else path.open("wb"))
        header = [True]

        def write(rows: pa.Table) -> None:
            _polars(harmless(rows)).write_csv(file, separator=separator, include_header=header.pop() if header else False)

        return write

    return sink_of


def _packed(path: Path) -> IO[bytes]:
    # No time of writing in the file: the same rows give the same bytes. Level 6 costs a third of level 9 for 1% more bytes.
    return cast("IO[bytes]", gzip.GzipFile(path, "wb", compresslevel=6, mtime=0))


def _lines(path: Path, stack: contextlib.ExitStack) -> Sink:
    file = stack.enter_context(path.open("wb"))
    return lambda rows: _polars(rows).write_ndjson(file)


def _polars(rows: pa.Table) -> Any:
    import polars as pl

    return pl.from_arrow(rows)


def _parquet(path: Path, stack: contextlib.ExitStack) -> Sink:
    import pyarrow.parquet as pq

    return _late(path, stack, open_with=pq.ParquetWriter)


def _arrow(path: Path, stack: contextlib.ExitStack) -> Sink:
    return _late(path, stack, open_with=pa.ipc.new_file)


def _late(path: Path, stack: contextlib.ExitStack, *, open_with: Callable[[IO[bytes], pa.Schema], Any]) -> Sink:
    """Return a sink that begins the file when the first block tells the columns; a file without columns stays valid."""
    file = stack.enter_context(path.open("wb"))
    opened: list[Any] = []

    def write(rows: pa.Table) -> None:
        if not opened:
            opened.append(stack.enter_context(open_with(file, rows.schema)))
        opened[0].write_table(rows)

    return write


_FORMATS: dict[str, Callable[[Path, contextlib.ExitStack], Sink]] = {
    ".csv": _text(","),
    ".csv.gz": _text(",", packed=True),
    ".tsv": _text("\t"),
    ".tsv.gz": _text("\t", packed=True),
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".jsonl": _lines,
    ".ndjson": _lines,
}
