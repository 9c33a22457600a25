"""What a case of a table is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import pyarrow as pa

NUMBERS = "numbers"  # field (p,) float32, NaN where missing: numbers, booleans as 0/1, dates as days since 1970-01-01
CATEGORIES = "categories"  # field (q,) int64: stable hash of the text, 0 where missing


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: `cells` by column, as the table gives them (text, number, date, boolean or None)."""

    cells: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TableRows(Sequence[Any]):
    """Rows [start, stop) of a table, as locators: a slice is `TableRows` again, an item one row of length one.

    Opened from `file` (Arrow IPC, memory-mapped) where there is one, so that a worker receives a path and not the rows;
    else `rows` holds them. `columns` are the input's columns.
    """

    columns: tuple[str, ...]
    start: int
    stop: int
    file: Path | None = None
    rows: pa.Table | None = None

    def __len__(self) -> int:
        return self.stop - self.start

    @overload
    def __getitem__(self, index: int) -> TableRows: ...
    @overload
    def __getitem__(self, index: slice) -> TableRows: ...
    def __getitem__(self, index: int | slice) -> TableRows:
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            return replace(self, start=self.start + start, stop=self.start + max(start, stop))
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        at = self.start + index % len(self)
        return replace(self, start=at, stop=at + 1)
