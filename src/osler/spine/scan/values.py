"""A column of a role or a target as an array."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from osler.core.errors import TableError, did_you_mean
from osler.core.table import MISSING_CELLS, Table

_EXACT = 2**53  # beyond it float64 merges neighbouring whole numbers: two patients would become one


def column_values(table: Table, name: str) -> np.ndarray:
    """Return column `name` (n,): float64 with NaN for numbers, else object of str with None for missing.

    Numbers are those of numeric Arrow types (not text that looks like numbers); a column of whole numbers beyond 2^53 is text, so
    that long identifiers stay apart. Booleans are "true" and "false", dates ISO 8601. Text is stripped, and the cells in
    MISSING_CELLS are missing. Raises TableError for a column that is not there.
    """
    if name not in table.columns:
        raise TableError(f"no column '{name}'{did_you_mean(name, table.columns)}")
    column = table.rows.column(name)
    kind = column.type
    if pa.types.is_integer(kind) and not _exact(column):
        return _texts(column.cast(pa.string()))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    if pa.types.is_null(kind):
        return np.full(len(column), None, object)
    if _castable(kind):
        return _texts(column.cast(pa.large_string()))
    return _objects([None if value is None else str(value) for value in column.to_pylist()])


def _exact(column: pa.ChunkedArray) -> bool:
    extremes = pc.min_max(column)
    low, high = extremes["min"].as_py(), extremes["max"].as_py()
    return low is None or (low >= -_EXACT and high <= _EXACT)


def _castable(kind: pa.DataType) -> bool:
    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind) or pa.types.is_temporal(kind)
    ) and not (pa.types.is_duration(kind) or pa.types.is_interval(kind))


def _texts(column: pa.ChunkedArray) -> np.ndarray:
    stripped = pc.utf8_trim_whitespace(column)
    missing = pc.is_in(stripped, value_set=pa.array(sorted(MISSING_CELLS), stripped.type))
    return _objects(pc.if_else(missing, pa.scalar(None, stripped.type), stripped).to_numpy())


def _objects(values: object) -> np.ndarray:
    return np.asarray(values, dtype=object)
