"""What readers of files with a case on a few lines share: whole lines, batches of cases, cells of bytes as a piece of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from osler.core.errors import Refusal
from osler.spine.scan.piece import Piece
from osler.spine.scan.source import Source

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
RECORDS = 1 << 12  # of a piece
ENCODING = Refusal("encoding", "the row holds bytes that are not in the file's encoding")


def lines_of(source: Source) -> Iterator[bytes]:
    """Yield the lines that are not blank, without their ends."""
    for block in whole_lines(source):
        yield from (line for line in block.split(b"\n") if line.strip())


def whole_lines(source: Source) -> Iterator[bytes]:
    r"""Yield the content in blocks of whole lines that end in \n."""
    rest = b""
    for at, part in enumerate(source.unpacked()):
        block = rest + (part.removeprefix(b"\xef\xbb\xbf") if at == 0 else part)
        cut = block.rfind(b"\n") + 1
        rest = block[cut:]
        yield block[:cut].replace(b"\r\n", b"\n")
    if rest:
        yield rest.replace(b"\r\n", b"\n")


def batches(items: Iterator[T]) -> Iterator[list[T]]:
    """Yield `RECORDS` items at a time."""
    held: list[T] = []
    for item in items:
        held.append(item)
        if len(held) == RECORDS:
            yield held
            held = []
    if held:
        yield held


def piece_of(columns: Mapping[str, Sequence[bytes | None]]) -> Piece:
    """Return cells (rows) by column as a piece of a table; a row whose bytes are no UTF-8 is refused."""
    import pyarrow as pa

    refusals: dict[int, Refusal] = {}
    rows: dict[str, pa.Array] = {}
    for name, cells in columns.items():
        try:
            rows[name] = pa.array(cells, pa.binary()).cast(pa.string())
        except pa.ArrowInvalid:
            texts = [_decoded(cell) for cell in cells]
            refusals |= {
                row: ENCODING for row, (cell, text) in enumerate(zip(cells, texts, strict=True)) if cell and text is None
            }
            rows[name] = pa.array(texts, pa.string())
    return Piece(pa.table(rows), refusals)


def _decoded(cell: bytes | None) -> str | None:
    try:
        return None if cell is None else cell.decode()
    except UnicodeDecodeError:
        return None
