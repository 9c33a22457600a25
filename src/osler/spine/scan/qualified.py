"""Target columns whose qualifiers (">", "<") stand in a column of their own, as in ChEMBL."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osler.core.bounds import qualifiers, sign_of
from osler.core.table import Table
from osler.spine.scan.values import column_values

NO_SIGN = "?"  # what stands before a number whose qualifier is none: no task reads it


def target_columns(table: Table, names: Sequence[str], *, qualifier: str = "") -> dict[str, np.ndarray]:
    """Return the target columns `names` as `column_values` does; where `qualifier` names columns of signs, each sign stands before its
    number as if both were one cell. Raises TableError for a column that is not there."""
    signs = qualifiers(qualifier, tuple(names))
    columns = {name: column_values(table, name) for name in names}
    return {name: _signed(values, column_values(table, signs[name])) if signs else values for name, values in columns.items()}


def _signed(values: np.ndarray, signs: np.ndarray) -> np.ndarray:
    told = ["" if sign is None or sign != sign else str(sign) for sign in signs]  # noqa: PLR0124 - NaN differs from itself
    read = {text: sign_of(text) for text in set(told)}
    plain = {"", "=", "=="}
    if set(read.values()) <= plain:
        return values
    found = np.empty(len(values), object)
    for row, (value, text) in enumerate(zip(values, told, strict=True)):
        missing = value is None or value != value  # noqa: PLR0124 - NaN differs from itself
        sign = read[text]
        found[row] = None if missing else value if sign in plain else f"{NO_SIGN if sign is None else sign}{value}"
    return found
