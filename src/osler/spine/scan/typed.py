"""Parquet and Arrow files, in pieces: columns keep their types.

Dictionaries become their values, since a later piece may bring others, and views plain strings, so that what is stored can be read
by all. Each batch is validated: offsets that point outside would otherwise be met later, in the middle of the work.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from osler.spine.scan.names import checked
from osler.spine.scan.piece import Piece
from osler.spine.scan.source import Source

ROWS = 65536  # of a piece


def parquet_pieces(source: Source) -> Iterator[Piece]:
    """Yield the rows of a Parquet file, one part of a row group at a time; raises TableError."""
    try:
        with pq.ParquetFile(source.path, pre_buffer=False) as file:
            schema = _plain(file.schema_arrow, source)
            for batch in file.iter_batches(batch_size=_rows(schema), use_threads=False):
                yield _piece(batch, schema)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise source.damaged(f"is no Parquet file that can be read ({type(error).__name__})") from None


def parquet_rows(source: Source) -> int:
    """Return the number of rows that a Parquet file says it has; raises TableError."""
    try:
        with pq.ParquetFile(source.path, pre_buffer=False) as file:
            return int(file.metadata.num_rows)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise source.damaged(f"is no Parquet file that can be read ({type(error).__name__})") from None


def arrow_pieces(source: Source) -> Iterator[Piece]:
    """Yield the batches of an Arrow IPC file or stream; raises TableError."""
    try:
        with pa.OSFile(str(source.path)) as file:
            for batch in _batches(file):
                schema = _plain(batch.schema, source)
                rows = _rows(schema)
                for start in range(0, len(batch), rows):
                    yield _piece(batch.slice(start, rows), schema)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise source.damaged(f"is no Arrow file that can be read ({type(error).__name__})") from None


def _rows(schema: pa.Schema) -> int:
    """Return the rows of a piece: fewer of a wide table, so that its memory stays bounded."""
    return max(64, min(ROWS, (8 << 20) // max(1, len(schema))))


def _batches(file: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    if file.read(6) == b"ARROW1":
        reader = pa.ipc.open_file(file)
        for at in range(reader.num_record_batches):
            yield reader.get_batch(at)
        return
    file.seek(0)
    yield from pa.ipc.open_stream(file)


def _piece(batch: pa.RecordBatch, schema: pa.Schema) -> Piece:
    batch.validate(full=True)
    columns = [
        array if array.type == field.type else array.cast(field.type) for array, field in zip(batch.columns, schema, strict=True)
    ]
    return Piece(pa.Table.from_batches([pa.RecordBatch.from_arrays(columns, schema=schema)]))


def _plain(schema: pa.Schema, source: Source) -> pa.Schema:
    names = checked(schema.names, file=source.name)
    return pa.schema([pa.field(name, _plain_type(field.type)) for name, field in zip(names, schema, strict=True)])


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_run_end_encoded(kind):
        return _plain_type(kind.value_type)
    if kind == pa.string_view():
        return pa.string()
    return pa.binary() if kind == pa.binary_view() else kind
