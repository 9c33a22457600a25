"""Means over cases with their 95% interval over groups, by the house's own resampling: for what is made as for predictions."""

from __future__ import annotations

import math

import numpy as np

from osler.core.measure import Measure
from osler.core.scores import Value
from osler.spine.evaluate.interval import FEW_GROUPS, LEAST_GROUPS, Spread, interval
from osler.spine.evaluate.resampling import Units, bootstrap, leave_one_out

RESAMPLES = 2000
_MEAN = Measure("mean", better="higher")


def mean_value(values: np.ndarray, *, groups: np.ndarray | None, seed: int, measure: Measure = _MEAN) -> Value:
    """Return the mean of `values` (n,), NaN left out, with its interval; `measure` says on which scale it is formed.

    Whole `groups` (n,) are drawn; of the difference of two methods, case by case, it is the paired difference.
    """
    known = np.isfinite(values)
    kept = values[known]
    units = Units.of(None if groups is None else groups[known], len(kept))
    point = float(kept.mean()) if len(kept) else math.nan
    if units.size < LEAST_GROUPS:
        return interval(measure, point, Spread(np.empty(0), "none", units.size, units.single, float(units.size)))
    few = units.size < FEW_GROUPS
    draws = leave_one_out(units) if few else bootstrap(units, resamples=RESAMPLES, seed=seed)
    spread = np.concatenate([counts @ kept / np.maximum(counts.sum(axis=1), 1) for counts in draws])
    return interval(
        measure, point, Spread(spread, "jackknife" if few else "bootstrap", units.size, units.single, float(units.size))
    )
