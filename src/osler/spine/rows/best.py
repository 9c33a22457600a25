"""The best rows of a very long output: each block keeps its own best, and the end takes the best of those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

ROW = "row"


@dataclass(frozen=True, slots=True)
class Best:
    """The `most` rows with the highest values of the column `by`, or the lowest; of equal values the earlier row. Rows without a
    finite value are none of them."""

    most: int
    by: str
    lowest: bool = False

    def of_block(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the best rows of a block, columns by name, each (n,), from the best on."""
        kept = self._order(np.asarray(columns[self.by], float), np.asarray(columns[ROW]))
        return {name: values[kept] for name, values in columns.items()}

    def of_table(self, rows: pa.Table) -> pa.Table:
        """Return the best rows of a table, from the best on."""
        values = rows.column(self.by).to_numpy(zero_copy_only=False).astype(float)
        return rows.take(pa.array(self._order(values, rows.column(ROW).to_numpy())))

    def _order(self, values: np.ndarray, row: np.ndarray) -> np.ndarray:
        known = np.flatnonzero(np.isfinite(values))
        worth = values[known] if self.lowest else -values[known]
        return np.asarray(known[np.lexsort((row[known], worth))[: self.most]])
