"""The study's table, opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from osler.core.errors import Refusal

if TYPE_CHECKING:
    import pyarrow as pa

# Cells that mean "not known" in a text column, after white space at both ends is cut off. Taken from what R, pandas, SAS
# and spreadsheets write; "." is SAS and Stata, "?" the UCI collection.
MISSING_CELLS = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", ".", "?"})


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a table, or of one block of it, in the order of the file.

    `rows` is an Arrow table: text files give every cell as a string (null where empty), typed files keep their types. It is
    memory-mapped where `file` names an Arrow IPC file, so it may be larger than memory and workers open it by themselves.
    `folder` is where relative paths in its cells start. `first` is the number of the block's first row in the whole table
    (0-based). `refusals`, by row of this block, tell of rows that the file itself garbled (all their cells are null).
    `digest` is the sha256 of the source file, "" for a table made in memory.
    """

    rows: pa.Table
    folder: Path
    file: Path | None = None
    first: int = 0
    refusals: Mapping[int, Refusal] = field(default_factory=dict)
    digest: str = ""

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns in their order."""
        return tuple(self.rows.column_names)

    def slice(self, start: int, stop: int) -> Table:
        """Return rows [start, stop) without copying; refusals keep to their rows."""
        kept = {row - start: refusal for row, refusal in self.refusals.items() if start <= row < stop}
        return replace(self, rows=self.rows.slice(start, stop - start), file=None, first=self.first + start, refusals=kept)
