"""Delimited text, in pieces: every cell a string, null where empty."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from osler.core.errors import Refusal
from osler.spine.scan.delimiter import delimiter_of
from osler.spine.scan.encoding import encoding_of, utf8
from osler.spine.scan.names import checked
from osler.spine.scan.piece import Piece
from osler.spine.scan.records import RECORD_LIMIT, cells, chunks, records
from osler.spine.scan.source import Source

CHUNK = 4 << 20  # bytes: small beside the libraries' own memory, large beside the cost of a call
PER_COLUMN = 400  # bytes of a chunk for each column: with less, 100,000 columns cost more to set up than to read
FIRST = 1 << 20  # bytes in which the delimiter is looked for
THREADS = 2  # parsing releases the interpreter; the third part of the work, cutting, does not

NUL = Refusal("nul", "the row holds NUL bytes")
ENCODING = Refusal("encoding", "the row holds bytes that are not in the file's encoding")

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def text_pieces(source: Source) -> Iterator[Piece]:
    """Yield the rows of `source`; raises TableError."""
    stream = utf8(source, encoding_of(source))
    first = _first(stream)
    delimiter = delimiter_of(first, path=source.path)
    header = next(records(first, delimiter=delimiter), None)
    if header is None:
        raise source.damaged(*_no_header(first))
    reader = _Reader(_names(header, delimiter=delimiter, source=source), delimiter, source)
    size = max(CHUNK, min(RECORD_LIMIT, PER_COLUMN * len(reader.names)))
    body = chunks(chain([first], stream), delimiter=delimiter, size=size, file=source.name)
    for piece in _ahead(reader.piece, _without_header(body, header)):
        if len(piece.rows):
            yield piece


def _first(stream: Iterator[bytes]) -> bytes:
    """Return the start of the text: a megabyte and at least its first line."""
    first = b""
    for part in stream:
        first += part
        line = first.lstrip(b"\r\n")
        if len(first) > RECORD_LIMIT or (len(first) >= FIRST and (b"\n" in line or b"\r" in line)):
            break
    return first


def _no_header(first: bytes) -> tuple[str, str]:
    if not first.strip(b"\r\n"):
        return "holds blank lines only", "wanted a header line and rows"
    return "has a quotation mark in its first line that is never closed", "close it, or double a mark that is text"


def _names(header: bytes, *, delimiter: bytes, source: Source) -> list[str]:
    try:
        names = [cell.decode() for cell in cells(header, delimiter=delimiter)]
    except UnicodeDecodeError:
        raise source.damaged("has a first line that cannot be decoded", "save the file as UTF-8") from None
    if b"\0" in header:
        raise source.damaged("has NUL bytes in its first line", "name the columns in plain text")
    return checked(names, file=source.name)


def _without_header(body: Iterator[bytes], header: bytes) -> Iterator[bytes]:
    """Yield the chunks, the first one without its first record."""
    pending = True
    for chunk in body:
        at = chunk.find(header) + len(header) if pending else 0
        pending = False
        if at < len(chunk):
            yield chunk[at:]


@dataclass(slots=True)
class _Reader:
    names: list[str]
    delimiter: bytes
    source: Source
    convert: Any = None

    def __post_init__(self) -> None:
        types = dict.fromkeys(self.names, pa.string())
        self.convert = pc.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=True, check_utf8=False
        )

    def piece(self, chunk: bytes) -> Piece:
        """Return the rows of one chunk of whole records."""
        refusals: dict[int, Refusal] = {}
        if b"\0" in chunk or not _decodes(chunk):
            chunk, refusals = self._mended(chunk)
        if not chunk.strip(b"\r\n"):
            return Piece(pa.table({name: pa.array([], pa.string()) for name in self.names}))
        rows, ragged = self._parsed(chunk)
        if ragged:
            rows = _spread(rows, sorted(ragged))
        return Piece(rows, dict(sorted({**ragged, **refusals}.items())))

    def _mended(self, chunk: bytes) -> tuple[bytes, dict[int, Refusal]]:
        """Put an empty row in the place of each that cannot be read."""
        blank = self.delimiter * (len(self.names) - 1) or b'""'
        kept, refusals = [], {}
        for row, record in enumerate(records(chunk, delimiter=self.delimiter)):
            fault = NUL if b"\0" in record else None if _decodes(record) else ENCODING
            kept.append(blank if fault else record)
            if fault:
                refusals[row] = fault
        return b"\n".join(kept) + b"\n", refusals

    def _parsed(self, chunk: bytes) -> tuple[pa.Table, dict[int, Refusal]]:
        ragged: dict[int, Refusal] = {}
        known: dict[int, Refusal] = {}

        def refuse(row: pc.InvalidRow) -> str:
            count = row.actual_columns
            ragged[row.number - 1] = known.setdefault(count, _ragged(count, len(self.names)))
            return "skip"

        reading = pc.ReadOptions(use_threads=False, block_size=len(chunk) + 1, column_names=self.names)
        parsing = pc.ParseOptions(delimiter=self.delimiter.decode(), newlines_in_values=True, invalid_row_handler=refuse)
        try:
            rows = pc.read_csv(pa.BufferReader(chunk), reading, parsing, self.convert)
        except pa.ArrowInvalid:  # its words may quote cells
            raise self.source.damaged("is not delimited text that can be read", "export the table again as CSV") from None
        return rows, ragged


def _ragged(found: int, wanted: int) -> Refusal:
    return Refusal("ragged", f"the row has {found} cell{'' if found == 1 else 's'}, the header {wanted}")


def _decodes(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _spread(rows: pa.Table, at: list[int]) -> pa.Table:
    """Return the table with an all-null row inserted so that it stands at each of `at`, ascending."""
    absent = np.zeros(len(rows) + len(at), bool)
    absent[at] = True
    index = np.cumsum(~absent) - 1
    return rows.take(pa.array(np.where(absent, 0, index), pa.int64(), mask=absent))


def _ahead(function: Callable[[_In], _Out], items: Iterable[_In]) -> Iterator[_Out]:
    """Yield function(item) in order, worked out in threads, at most one item per thread ahead."""
    pool = ThreadPoolExecutor(THREADS)
    waiting: deque[Future[_Out]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
