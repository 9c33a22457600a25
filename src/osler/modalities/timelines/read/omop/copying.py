"""PostgreSQL's COPY: rows as CSV that Arrow reads, so that no Python object is made of a cell."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

BYTES = 8 << 20  # of one chunk; two more wait


class _Stopped(Exception):
    """The reader went away; the writer is to end."""


class _Sink:
    """What the driver writes rows to: they are handed on in chunks, and the driver waits while two are not taken."""

    def __init__(self) -> None:
        self.parts: Queue[bytes | BaseException | None] = Queue(maxsize=2)
        self.stopped = threading.Event()
        self._held: list[bytes] = []
        self._size = 0

    def write(self, row: bytes) -> None:
        """Take one row."""
        self._held.append(row)
        self._size += len(row)
        if self._size >= BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand on what is held."""
        if self._held:
            self.put(b"".join(self._held))
            self._held, self._size = [], 0

    def put(self, part: bytes | BaseException | None) -> None:
        """Hand on one part, or raise where nobody will take it any more."""
        while not self.stopped.is_set():
            try:
                return self.parts.put(part, timeout=0.1)
            except Full:
                continue
        raise _Stopped


def copied(connection: Any, query: str, *, names: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield the rows of `query` as text columns `names`, "" and NULL as null; what the driver raises is raised here.

    `connection` is pg8000's own. It answers one question at a time, so the rows are fetched by a thread and read by this one.
    """
    sink = _Sink()
    thread = threading.Thread(target=_fill, args=(sink, connection, query), daemon=True)
    thread.start()
    try:
        while (part := sink.parts.get()) is not None:
            if isinstance(part, BaseException):
                raise part
            yield _frame(part, names)
    finally:
        sink.stopped.set()
        with suppress(Empty):  # a writer that waits for room finds that it is over
            sink.parts.get_nowait()
        thread.join(timeout=10)


def _fill(sink: _Sink, connection: Any, query: str) -> None:
    with suppress(_Stopped):
        try:
            connection.cursor().execute(f"COPY ({query}) TO STDOUT WITH (FORMAT csv)", stream=sink)
            sink.flush()
            sink.put(None)
        except _Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - it is raised again, in the thread that reads
            sink.put(error)


def _frame(part: bytes, names: Sequence[str]) -> pl.DataFrame:
    import polars as pl
    import pyarrow as pa
    from pyarrow import csv

    table = csv.read_csv(
        pa.BufferReader(part),
        read_options=csv.ReadOptions(column_names=list(names), block_size=max(len(part), 1 << 16), use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
