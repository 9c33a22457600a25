"""Arrays by column name as an Arrow table, and text that no spreadsheet takes for a formula."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# What a spreadsheet would run (OWASP, "CSV injection"), unless the whole cell is a number.
_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def frame(columns: Mapping[str, np.ndarray | pa.Array]) -> pa.Table:
    """Return the columns, each (n,), as a table: floats with NaN as null, whole numbers, booleans, lists of numbers where a cell is an array,
    else text with None as null. What is an Arrow array already stays as it is."""
    return pa.table({name: v if isinstance(v, pa.Array) else _array(np.asarray(v)) for name, v in columns.items()})


def harmless(rows: pa.Table) -> pa.Table:
    """Return the table with an apostrophe before each text cell, and column name, that a spreadsheet would run as a formula; lists of
    numbers are text with blanks between them, four digits each."""
    columns = [_plain(column) for column in rows.columns]
    names = _guarded(pa.array(rows.column_names, pa.string())).to_pylist()
    return pa.table(columns, names=names)


def _array(values: np.ndarray) -> pa.Array:
    if values.dtype.kind == "f":
        return pa.array(values.astype(np.float64, copy=False), from_pandas=True)
    if values.dtype.kind in "iub":
        return pa.array(values)
    if any(isinstance(value, np.ndarray) for value in values):
        return pa.array(list(values), pa.list_(pa.float32()))
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _plain(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if pa.types.is_list(column.type):
        return _listed(column)  # numbers alone: nothing in it can be run
    return _guarded(column) if pa.types.is_string(column.type) else column


def _listed(column: pa.ChunkedArray) -> pa.Array:
    told = (None if cell is None else " ".join("" if v is None else f"{v:.4g}" for v in cell) for cell in column.to_pylist())
    return pa.array(list(told), pa.string())


def _guarded(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    formula = pc.and_(pc.match_substring_regex(column, _FORMULA), pc.invert(pc.match_substring_regex(column, _NUMBER)))
    return pc.if_else(formula, pc.binary_join_element_wise("'", column, ""), column)
