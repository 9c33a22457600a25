"""Molecules that were measured more than once: how far the measurements lie apart, below which no model can be expected to come."""

from __future__ import annotations

from typing import Any

import numpy as np

from osler.core.target import Target

FEWEST = 5  # molecules with several measurements, under which nothing is told of their spread


def spread(target: Target, keys: np.ndarray) -> dict[str, list[Any]]:
    """Return by target, of molecules with equal `keys` (m,): how many have several exact values (`molecules`) and how many values
    those are (`rows`), the pooled standard deviation within molecules (`sd`), and the median over molecules (`median`); None where
    they are few."""
    each = [_spread(target.values[seen, at], keys[seen]) for at, seen in enumerate(target.observed.T)]
    return {name: [one[name] for one in each] for name in ("molecules", "rows", "sd", "median")}


def _spread(values: np.ndarray, keys: np.ndarray) -> dict[str, Any]:
    code, counts = np.unique(keys, return_inverse=True, return_counts=True)[1:]
    several = counts[code.reshape(-1)] > 1
    molecules = int((counts > 1).sum())
    told = {"molecules": molecules, "rows": int(several.sum())}
    if molecules < FEWEST:
        return {**told, "sd": None, "median": None}
    _, own = np.unique(code.reshape(-1)[several], return_inverse=True)
    size = np.bincount(own)
    away = values[several] - (np.bincount(own, weights=values[several]) / size)[own]
    squares = np.bincount(own, weights=away**2)
    pooled, each = np.sqrt(squares.sum() / (size - 1).sum()), np.sqrt(squares / (size - 1))
    return {**told, "sd": float(f"{pooled:.3g}"), "median": float(f"{np.median(each):.3g}")}
