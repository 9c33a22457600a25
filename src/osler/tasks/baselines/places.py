"""Boosted trees on single places of cases, of which there are many in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.tasks.baselines.blend import Part
from osler.tasks.baselines.boosting import train
from osler.tasks.baselines.design import fit_design
from osler.tasks.baselines.folds import folds_of
from osler.tasks.baselines.linear import Linear
from osler.tasks.baselines.losses import prior

TUNED = 60_000  # places on which the number of trees is found
FEWEST = 50  # places, and classes' places, that trees want


def spread(lines: int, *, most: int) -> np.ndarray:
    """Return at most so many line numbers, evenly spread."""
    return np.linspace(0, lines - 1, min(lines, most)).astype(np.int64)


def trees_of_places(
    kind: str, matrix: np.ndarray, values: np.ndarray, *, groups: np.ndarray, width: int, settings: Mapping[str, Any], most: int
) -> Part:
    """Return at most so many trees of `kind` on places (m, f) with `values` (m,), as many as are best on groups apart."""
    weight = np.ones(len(values))
    intercept = prior(kind, values, width=width, weight=weight)
    design = fit_design(matrix[:0], np.zeros(matrix.shape[1], bool), form="plain")
    constant = Linear(design, np.zeros((design.width, width)), intercept)
    if len(values) < FEWEST or len(np.unique(values)) < 2 or matrix.shape[1] == 0:
        return Part(constant, None, 1.0, "Always the same prediction: there is nothing to learn from.")
    rounds, how = _rounds(kind, matrix, values, groups=groups, width=width, settings=settings, most=most)
    booster, _ = train(kind, matrix, values, width=width, weight=weight, settings=settings, rounds=rounds)
    text = f"LightGBM on single places ({rounds} rounds of {settings['num_leaves']} leaves, {len(values)} places; {how})."
    return Part(constant, booster, 0.0, text)


def _rounds(
    kind: str, matrix: np.ndarray, values: np.ndarray, *, groups: np.ndarray, width: int, settings: Mapping[str, Any], most: int
) -> tuple[int, str]:
    """Return the number of rounds with the lowest loss on a fourth of the groups, of those on at most 60,000 places."""
    some = spread(len(values), most=TUNED)
    own = groups[some]
    if len(np.unique(own)) < 2:
        return most // 2, "one group: nothing to choose by"
    held = folds_of(own, np.zeros(len(own), np.int64), count=min(4, len(np.unique(own))), seed=settings["seed"]) == 0
    parts = [(matrix[rows], values[rows], np.ones(len(rows))) for rows in (some[~held], some[held])]
    if len(np.unique(parts[0][1])) < 2:
        return most // 2, "one class among the groups that are left: nothing to choose by"
    _, curve = train(
        kind, parts[0][0], parts[0][1], width=width, weight=parts[0][2], settings=settings, rounds=most, held_out=parts[1]
    )
    best = int(np.argmin(curve)) + 1
    return best, f"{'squared error' if kind == 'regression' else 'log loss'} {curve[best - 1]:.4f} on groups apart"
