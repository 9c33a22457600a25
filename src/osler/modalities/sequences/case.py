"""What a case of sequences is, and what its fields hold."""

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

LETTERS = (
    "letters"  # field (length,) uint8: the code of each letter, from the 5' end (of a protein the N-terminus), soft mask kept
)
IDENTITY = "identity"  # field (1,) int64: a hash of the sequence without its soft mask, of nucleotides the same for both strands
TRACK = "track"  # field (length,) float32: the target of each letter, in their order, NaN where it is not known
BARE = np.uint8(0x7F)  # of a code: all but its soft mask
PAD = 0x7F  # behind the end of a sequence in a batch; no letter has this code


@dataclass(frozen=True, slots=True)
class Letters:
    """One sequence: `codes` (length,) uint8 by the study's alphabet, at least one; `track` (length,) float32 where the target has a value
    for each letter."""

    codes: np.ndarray
    track: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where the letters lie that a table names: the FASTA file `path`, with the `columns` that name a record, or a contig, start and end, and
    a strand; `assembly` is the user's word, `cache` the folder for its index, `folder` the table's, in which other files may be named."""

    path: Path
    columns: tuple[str, ...]
    cache: Path
    assembly: str | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class SequenceRows(Span):
    """Rows [start, stop) of a table's column, as locators: a slice is `SequenceRows` again, an item one row of length one.

    Opened from `file` (Arrow IPC, memory-mapped) where there is one, so that a worker receives a path and not the cells; else `rows`
    holds them. `places` tells where the letters lie if the table only names them, `track` the column of a target with a value for each
    letter. `refusals`, by row of the whole table, tell of rows that the file itself garbled.
    """

    column: str
    start: int
    stop: int
    file: Path | None = None
    rows: pa.Table | None = None
    refusals: Mapping[int, Refusal] = field(default_factory=dict)
    places: Places | None = None
    track: str | None = None
