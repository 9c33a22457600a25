"""What a case of a table is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osler.core.errors import Refusal
from osler.core.span import Span

if TYPE_CHECKING:
    import pyarrow as pa

NUMBERS = "numbers"  # field (p,) float32, NaN where missing: numbers, booleans as 0/1, dates as days since 1970-01-01
CATEGORIES = "categories"  # field (q,) int64: stable hash of the text, 0 where missing

NUMERIC = ("number", "boolean", "date")  # kinds that go to `numbers`
KEPT = (*NUMERIC, "category")
LEFT_OUT = ("text", "constant", "identifier", "empty")
KINDS = (*KEPT, *LEFT_OUT)

# A cell that holds something which is no number of float32 ("<5", "see note", 1e99) is missing to every reader, but is told
# from an empty one by the payload of its NaN, so that the facts can count such cells without a second array.
UNREADABLE = np.uint32(0x7FC00001)
MISSING = np.uint32(0x7FC00000)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: `cells` by column, for the columns that are kept.

    A number is a float, a boolean 0.0 or 1.0, a date days since 1970-01-01 (UTC where it has a zone), a category its text,
    a missing cell None. `unreadable` names the columns whose cell held something that is no number.
    """

    cells: dict[str, float | str | None]
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TableRows(Span):
    """Rows [start, stop) of a table, as locators: a slice is `TableRows` again, an item one row of length one.

    Opened from `file` (Arrow IPC, memory-mapped) where there is one, so that a worker receives a path and not the rows;
    else `rows` holds them. `columns` are the input's columns. `refusals`, by row of the whole table, tell of rows that the
    file itself garbled.
    """

    columns: tuple[str, ...]
    start: int
    stop: int
    file: Path | None = None
    rows: pa.Table | None = None
    refusals: Mapping[int, Refusal] = field(default_factory=dict)
