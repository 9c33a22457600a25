"""What explanations need of a timeline: its codes one by one, what a case's events say of each, and a drawing of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from osler.core.attribution import Feature
from osler.core.columns import Columns, Ragged
from osler.core.state import State
from osler.modalities.timelines.case import CODES, TIMES, VALUES
from osler.modalities.timelines.explain.picture import picture
from osler.modalities.timelines.fit import LEVELS, places, ragged

__all__ = ["changed", "explain", "features", "picture"]


def features(state: State) -> tuple[Feature, ...]:
    """Return one feature for each of the most frequent codes, the most frequent first, and one called "" for all others."""
    return (*(Feature(name) for name in _names(state)), Feature(""))


def changed(columns: Columns, *, feature: int, values: np.ndarray, state: State) -> Columns:
    """Return the columns in which each case has, of one feature's codes, the events of the row that `values` (n,) names instead
    of its own, in the order of time; a case without any event that way is absent."""
    times, codes = ragged(columns, TIMES), ragged(columns, CODES)
    own = state.arrays["owner"][places(np.asarray(codes.values), state)] == feature
    kept, kept_case = _events(times.offsets, np.arange(len(columns)), ~own)
    lent, lent_case = _events(times.offsets, values, own)
    at, case = np.concatenate([kept, lent]), np.concatenate([kept_case, lent_case])
    order = np.lexsort((np.asarray(codes.values)[at], np.asarray(times.values)[at], case))
    at = at[order]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(case, minlength=len(columns)))]).astype(np.int64)
    arrays = {name: Ragged(np.asarray(ragged(columns, name).values)[at], offsets) for name in (TIMES, CODES, VALUES)}
    return replace(columns, arrays={**columns.arrays, **arrays}, present=columns.present & (np.diff(offsets) > 0))


def explain(attribution: np.ndarray, columns: Columns, row: int, *, state: State, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return under "features" for each code its name, attribution (f,), how many events the case has of it ("count") and days since
    the last one ("since", None where there is none); of a code of numbers the last "value", None where there is none, and its
    "band": between which of the training values' quantiles (5, 25, 50, 75, 95 %) it lies, as levels from 0 to 1."""
    times, codes, numbers = (ragged(columns, name)[row] for name in (TIMES, CODES, VALUES))
    owner = state.arrays["owner"][places(codes, state)]
    counts = np.bincount(owner, minlength=len(attribution))
    bands = _bands(facts)
    numeric = _numeric(state)
    told: list[dict[str, Any]] = []
    for at, feature in enumerate(features(state)):
        here = np.flatnonzero(owner == at) if counts[at] else np.empty(0, np.int64)
        one: dict[str, Any] = {"name": feature.name, "attribution": float(attribution[at]), "count": int(counts[at])}
        one["since"] = _since(times[here])
        if at < len(numeric) and numeric[at]:
            known = numbers[here][np.isfinite(numbers[here])]
            value = float(f"{known[-1]:.7g}") if len(known) else None
            one |= {"value": value, "band": None if value is None else _band(value, bands.get(feature.name))}
        told.append(one)
    return {"features": told}


def _events(offsets: np.ndarray, rows: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the events of `rows` lie that are `wanted` (e,), and whose they become: the place in `rows`."""
    lengths = np.diff(offsets)[rows]
    case = np.repeat(np.arange(len(rows)), lengths)
    firsts = np.cumsum(lengths) - lengths
    at = np.arange(len(case)) + np.repeat(offsets[rows] - firsts, lengths)
    kept = wanted[at]
    return at[kept], case[kept]


def _own(state: State) -> np.ndarray:
    """Return the places in the vocabulary of the codes that have a feature of their own, in the order of the features."""
    owner = state.arrays["owner"]
    own = np.flatnonzero(owner[:-1] < owner[-1])
    return np.asarray(own[np.argsort(owner[own])])


def _names(state: State) -> list[str]:
    return [state.values["names"][at] for at in _own(state)]


def _numeric(state: State) -> np.ndarray:
    return np.asarray(state.arrays["numeric"][_own(state)])


def _since(times: np.ndarray) -> float | None:
    known = times[np.isfinite(times)]
    return float(f"{max(0.0, -float(known[-1])):.4g}") if len(known) else None


def _bands(facts: Mapping[str, Any]) -> dict[str, Any]:
    told = facts.get("listed") or {}
    return dict(zip(told.get("names", ()), told.get("quantiles", ()), strict=False))


def _band(value: float, quantiles: Any) -> list[float] | None:
    if not quantiles or any(q is None for q in quantiles):
        return None
    below = int(np.searchsorted(quantiles, value, side="left"))
    above = int(np.searchsorted(quantiles, value, side="right"))
    levels = (0.0, *LEVELS.tolist(), 1.0)
    return [levels[below], levels[above + 1]]
