"""From a table to rows: where they lie, how each column is read, and one row at a time."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.core.errors import Refused, StudyError, did_you_mean
from osler.core.plan import Decision
from osler.core.table import Table
from osler.modalities.tables.case import TableRow, TableRows

if TYPE_CHECKING:
    import pyarrow as pa


def locate(table: Table, *, columns: Sequence[str]) -> TableRows:
    """Return all rows of `table` as locators, made of nothing but numbers where the table lies in a file.

    Raises StudyError, which names every column that the table lacks.
    """
    there = set(table.columns)
    missing = [c for c in columns if c not in there]
    if missing:
        told = [f"the table has no column '{c}'{did_you_mean(c, table.columns)}" for c in missing[:20]]
        if len(missing) > len(told):
            told.append(f"{len(missing) - len(told)} more columns are missing")
        raise StudyError(told)
    rows = None if table.file else table.rows.select(list(columns))
    return TableRows(tuple(columns), 0, len(table), table.file, rows, table.refusals)


def own(locators: Sequence[Any]) -> TableRows:
    """Return locators as what they are: those of `locate`, or a slice of them."""
    assert isinstance(locators, TableRows)
    return locators


def rows_of(locators: TableRows) -> pa.Table:
    """Return the cells behind `locators` as an Arrow table of their columns, memory-mapped where they lie in a file."""
    if locators.file is None:
        assert locators.rows is not None
        return locators.rows.slice(locators.start, len(locators))
    stamp = locators.file.stat().st_mtime_ns
    return _opened(locators.file, stamp, locators.columns).slice(locators.start, len(locators))


@functools.lru_cache(maxsize=4)
def _opened(file: Path, stamp: int, columns: tuple[str, ...]) -> pa.Table:  # noqa: ARG001  a rewritten file is another
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(file))).read_all().select(list(columns))


def digest(locators: Sequence[Any]) -> str:
    """Return a hash of the cells, their types, the names of their columns and the refusals: what a shard depends on."""
    import pyarrow as pa

    locators = own(locators)
    rows = rows_of(locators).combine_chunks().replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    content = hashlib.blake2b(sink.getvalue(), digest_size=32)
    refused = [
        (r - locators.start, x.code, x.column) for r, x in locators.refusals.items() if locators.start <= r < locators.stop
    ]
    content.update(repr(sorted(refused)).encode())
    return content.hexdigest()


def reading(locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
    """Decide how each column is read, from one pass over all rows.

    `kinds` {column: number, boolean, date, category, or, left out, text, constant, identifier, empty}; `left_out`
    {column: reason}; `commas` {column: decimal or thousands}; `dates` {column: dmy or mdy}. `settings` may hold any of
    these for some of the columns, except `left_out`. Raises PlanError for a column or a kind that does not exist.
    """
    from osler.modalities.tables.read.kinds import decide
    from osler.modalities.tables.read.survey import survey

    return decide(survey(rows_of(own(locators))), settings=settings)


def read(locator: TableRows, *, reading: Mapping[str, Any]) -> TableRow | None:
    """Return the one row of `locator`, None where all its cells are empty; raises Refused where the file garbled it."""
    from osler.modalities.tables.encode import parsed

    refusal = locator.refusals.get(locator.start)
    if refusal is not None:
        raise Refused(refusal)
    row = parsed(locator, reading=reading)
    return row if row.unreadable or any(cell is not None for cell in row.cells.values()) else None
