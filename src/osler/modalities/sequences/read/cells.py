"""Where the cells of a column of sequences lie."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.core.errors import Refusal, StudyError, did_you_mean
from osler.core.table import MISSING_CELLS, Table
from osler.modalities.sequences.case import SequenceRows

if TYPE_CHECKING:
    import pyarrow as pa


def locate(table: Table, *, columns: Sequence[str]) -> SequenceRows:
    """Return all rows of `table` as locators, made of nothing but numbers where the table lies in a file.

    Raises StudyError where the table lacks the column, or where the input has more than one.
    """
    missing = [c for c in columns if c not in set(table.columns)]
    if missing:
        raise StudyError([f"the table has no column '{c}'{did_you_mean(c, table.columns)}" for c in missing])
    if len(columns) != 1:
        raise StudyError(
            f"an input of sequences is one column, and {len(columns)} are given ({', '.join(columns)}); make each an input of its own"
        )
    rows = None if table.file else table.rows.select(list(columns))
    return SequenceRows(columns[0], 0, len(table), table.file, rows, table.refusals)


def own(locators: Sequence[Any]) -> SequenceRows:
    """Return locators as what they are: those of `locate`, or a slice of them."""
    assert isinstance(locators, SequenceRows)
    return locators


def cells(locators: SequenceRows) -> Iterator[str | Refusal | None]:
    """Yield the text of each cell, None where it is missing, a refusal where the file garbled its row."""
    column = _column(locators)
    for row, cell in enumerate(column.to_pylist(), locators.start):
        text = None if cell is None else str(cell)
        yield locators.refusals.get(row) or (None if text is None or text.strip() in MISSING_CELLS else text)


def digest(locators: Sequence[Any]) -> str:
    """Return a hash of the cells and of the refusals: what a shard depends on."""
    rows = own(locators)
    content = hashlib.blake2b(digest_size=32)
    for cell in cells(rows):
        told = f"{cell.code}|{cell.column}" if isinstance(cell, Refusal) else "" if cell is None else cell
        content.update(f"{type(cell).__name__}{len(told)}:{told}".encode("utf-8", "surrogatepass"))
    content.update(rows.column.encode())
    return content.hexdigest()


def _column(locators: SequenceRows) -> pa.ChunkedArray:
    if locators.file is None:
        assert locators.rows is not None
        return locators.rows.column(locators.column).slice(locators.start, len(locators))
    stamp = locators.file.stat().st_mtime_ns
    return _opened(locators.file, stamp, locators.column).slice(locators.start, len(locators))


@functools.lru_cache(maxsize=4)
def _opened(file: Path, stamp: int, column: str) -> pa.ChunkedArray:  # noqa: ARG001  a rewritten file is another
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(file))).read_all().column(column)
