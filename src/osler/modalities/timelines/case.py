"""What a case of a timeline is: what was known of one person until one moment, the prediction time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.span import Span

if TYPE_CHECKING:
    import pyarrow as pa

TIMES = "times"  # ragged field (e,) float32: days from the prediction time, ascending, none above 0
CODES = "codes"  # ragged field (e,) int64: stable hash of the code's word
VALUES = "values"  # ragged field (e,) float32: the value in the unit of its code, NaN where there is none

DAY = 86_400_000_000  # microseconds; times in a store are whole microseconds
ALWAYS = np.iinfo(np.int64).min  # the time of what is known of a subject at any time (sex)
BIRTH = "birth"  # code of a subject's birth; a case holds AGE in years at its prediction time instead
AGE = "age"
# codes that every source uses for what happens to every patient; a kind of stay may follow: "admission//inpatient"
DEATH, ADMISSION, DISCHARGE = "death", "admission", "discharge"
PARTED = "//"  # between the parts of a code: its vocabulary and its symbol ("LOINC//2345-7"), and a word that is its value

# A value that cannot be (a pH of 70) is masked: NaN to every reader, but told from "no value" by its payload.
IMPOSSIBLE = np.uint32(0x7FC00001)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The events of one case until its prediction time: `times` (e,) float32 days, none above 0, ascending; `codes` (e,) words
    of the codes; `values` (e,) float32, NaN where there is none."""

    times: np.ndarray
    codes: tuple[str, ...]
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class CaseRows(Span):
    """Rows [start, stop) of a study's table as locators: a slice is `CaseRows` again, an item one row of length one.

    `keys` (n,) int64 hashes of the whole table's subjects, 0 where the cell is empty; `moments` (n,) int64 index times in microseconds (ALWAYS
    where the cell is empty or no time), to which the reading decision `after` is added; None where times in the events are counted
    from each case's own start. `store` is the folder of the prepared events. `refused` by row of the whole table: the sentence
    why its moment, in the table's column `column`, cannot be read.
    """

    keys: np.ndarray
    moments: np.ndarray | None
    store: Path
    start: int
    stop: int
    refused: Mapping[int, str] = field(default_factory=dict)
    column: str | None = None

    def __reduce__(self) -> tuple[type[CaseRows], tuple[Any, ...]]:
        """A worker receives its own rows alone."""
        here = slice(self.start, self.stop)
        moments = None if self.moments is None else self.moments[here]
        refused = {row - self.start: why for row, why in self.refused.items() if self.start <= row < self.stop}
        return CaseRows, (self.keys[here], moments, self.store, 0, len(self), refused, self.column)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some events of a source, in any order, as `rows`, an Arrow table with the columns

    `subject` string, `time` int64 (microseconds since 1970-01-01 UTC, or since the subject's own start where the source counts so;
    null: known at any time), `code` string, `value` float64 or null, `text` string or null (a word instead of a number), `unit`
    string or null. Strings may be dictionary-encoded. `refused` counts, by reason, the events of the source that could not be used.
    """

    rows: pa.Table
    refused: Mapping[str, int] = field(default_factory=dict)
