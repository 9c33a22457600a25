"""What every kind of file is read into."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osler.core.errors import Refusal

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows in the order of the file; `refusals` by row of the piece, whose cells are all null."""

    rows: pa.Table
    refusals: dict[int, Refusal] = field(default_factory=dict)
