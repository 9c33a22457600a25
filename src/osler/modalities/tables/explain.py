"""What explanations need of a table: its columns one by one, and what a case's cell says beside the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from osler.core.attribution import Feature
from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.tables.baseline import labels
from osler.modalities.tables.case import CATEGORIES, NUMBERS
from osler.modalities.tables.facts import LEVELS


def features(columns: Columns, *, state: State) -> tuple[Feature, ...]:
    """Return one feature per column: the numbers, then the categories with the words of the state's vocabulary."""
    names = {field: labels(columns, field, _array(columns, field).shape[1]) for field in (NUMBERS, CATEGORIES)}
    numbers = [Feature(name, "number") for name in names[NUMBERS]]
    return (*numbers, *(Feature(name, "category", _words(state, j)) for j, name in enumerate(names[CATEGORIES])))


def values(columns: Columns, *, feature: int) -> np.ndarray:
    """Return the column (n,): float32 numbers, or int64 hashes of words."""
    field, at = _place(columns, feature)
    return np.asarray(_array(columns, field)[:, at])


def changed(columns: Columns, *, feature: int, values: np.ndarray) -> Columns:
    """Return the columns with other `values` (n,) in one of them."""
    field, at = _place(columns, feature)
    array = np.array(_array(columns, field))
    array[:, at] = values
    return replace(columns, arrays={**columns.arrays, field: array})


def explain(attribution: np.ndarray, columns: Columns, row: int, *, state: State, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return under "features" for each column its name, attribution (f,), and value: a number, a word, or None where missing.

    A number has its "band": between which of the training rows' quantiles (5, 25, 50, 75, 95 %) it lies, as levels from 0 to
    1. A word that fewer than five groups share in training is "known": false.
    """
    told: list[dict[str, Any]] = []
    bands = _bands(facts)
    for at, feature in enumerate(features(columns, state=state)):
        cell = values(columns, feature=at)[row]
        one: dict[str, Any] = {"name": feature.name, "attribution": float(attribution[at])}
        if feature.kind == "number":
            number = None if np.isnan(cell) else float(f"{cell:.7g}")
            told.append({**one, "value": number, "band": None if number is None else _band(number, bands.get(feature.name))})
        else:
            word = columns.words.text(int(cell)) if cell else None
            told.append({**one, "value": word, "known": word is None or int(cell) in feature.levels})
    return {"features": told}


def _array(columns: Columns, field: str) -> np.ndarray:
    array = columns[field]
    assert isinstance(array, np.ndarray)
    return array


def _place(columns: Columns, feature: int) -> tuple[str, int]:
    numbers = _array(columns, NUMBERS).shape[1]
    return (NUMBERS, feature) if feature < numbers else (CATEGORIES, feature - numbers)


def _words(state: State, column: int) -> dict[int, str]:
    keys = state.arrays.get(f"vocabulary.{column}", np.empty(0, np.int64))
    return {int(k): str(w) for k, w in zip(keys, state.values.get(f"words.{column}", ()), strict=False)}


def _bands(facts: Mapping[str, Any]) -> dict[str, Any]:
    told = facts.get("numbers") or {}
    return dict(zip(told.get("names", ()), told.get("quantiles", ()), strict=False))


def _band(value: float, quantiles: Any) -> list[float] | None:
    if not quantiles or any(q is None for q in quantiles):
        return None
    below = int(np.searchsorted(quantiles, value, side="left"))
    above = int(np.searchsorted(quantiles, value, side="right"))
    levels = (0.0, *LEVELS, 1.0)
    return [levels[below], levels[above + 1]]
