"""What the classical model sees of a row."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns
from osler.core.features import Features
from osler.core.state import State
from osler.modalities.tables.case import CATEGORIES, NUMBERS


def baseline_features(columns: Columns, rows: np.ndarray, *, state: State) -> Features:
    """Return numbers as they are and categories as codes 0, 1, … of the state's vocabulary.

    Missing numbers, and missing or unknown categories, are NaN, as is every feature of an absent case. Tree models split
    on raw numbers as well as on scaled ones, and the linear model scales for itself.
    """
    numbers, hashes = columns[NUMBERS], columns[CATEGORIES]
    assert isinstance(numbers, np.ndarray)
    assert isinstance(hashes, np.ndarray)
    count, words = numbers.shape[1], hashes.shape[1]
    matrix = np.empty((len(rows), count + words), np.float32)
    matrix[:, :count] = numbers[rows]
    taken = np.asarray(hashes[rows])
    for j in range(words):
        matrix[:, count + j] = _codes(taken[:, j], known=state.arrays[f"vocabulary.{j}"])
    matrix[~np.isfinite(matrix)] = np.nan
    matrix[~columns.present[rows]] = np.nan
    names = (*labels(columns, NUMBERS, count), *labels(columns, CATEGORIES, words))
    categorical = np.arange(count + words) >= count
    return Features(matrix, np.arange(len(rows), dtype=np.int64), names, categorical)


def _codes(hashes: np.ndarray, *, known: np.ndarray) -> np.ndarray:
    if len(known) == 0:
        return np.full(len(hashes), np.nan, np.float32)
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return np.where((known[place] == hashes) & (hashes != 0), place, np.nan).astype(np.float32)


def labels(columns: Columns, field: str, count: int) -> tuple[str, ...]:
    """Return the names of a field's columns, their numbers where they have none."""
    found = tuple(getattr(columns.field(field), "labels", ()))
    return found if len(found) == count else tuple(f"{field}[{j}]" for j in range(count))
