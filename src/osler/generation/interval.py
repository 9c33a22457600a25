"""Means over cases with their 95% interval over groups, by the house's own resampling: for what is made as for predictions."""

from __future__ import annotations

import numpy as np

from osler.core.measure import Measure
from osler.core.scores import Value
from osler.spine.evaluate.statistic import Statistic, found

_MEAN = Measure("mean", better="higher")


def mean_value(values: np.ndarray, *, groups: np.ndarray | None, seed: int, measure: Measure = _MEAN) -> Value:
    """Return the mean of `values` (n,), NaN left out, with its interval; `measure` says on which scale it is formed.

    Whole `groups` (n,) are drawn; of the difference of two methods, case by case, it is the paired difference.
    """
    known = np.isfinite(values)
    kept = values[known]

    def mean(counts: np.ndarray) -> np.ndarray:
        size = counts.sum(axis=1, dtype=np.int64)
        return np.divide(counts @ kept, size, out=np.full(len(counts), np.nan), where=size > 0)

    own = None if groups is None else groups[known]
    told = found({measure.name: Statistic(measure, mean)}, cases=len(kept), groups=own, seed=seed)
    return told.values[measure.name]
