"""How far back the events of a case reach, and how far apart they lie."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns
from osler.modalities.timelines.fit.runs import blocks
from osler.modalities.timelines.fit.vocabulary import FEWEST

SAMPLE = 20_000  # cases from which both are taken, evenly spread
LEVEL = 0.95
_DAY, _HOUR = 1.0, 1 / 24  # where nothing is known


def reach(columns: Columns, rows: np.ndarray) -> tuple[float, float]:
    """Return `horizon` and `step` in days, on a grid of three digits: within the first 95 % of the cases begin, and the median
    between neighbouring times of a case. What lies at no finite time, or only at the prediction time, says nothing."""
    some = rows if len(rows) <= SAMPLE else rows[np.linspace(0, len(rows) - 1, SAMPLE).astype(np.int64)]
    starts, between = [np.empty(0, np.float32)], [np.empty(0, np.float32)]
    for block in blocks(columns, some):
        known = np.isfinite(block.times)
        case, times = block.case[known], block.times[known]
        firsts = np.flatnonzero(np.diff(case, prepend=-1))
        starts.append(-times[firsts])
        gaps = np.diff(times)[case[1:] == case[:-1]]
        between.append(gaps[gaps > 0])
    began, apart = np.concatenate(starts), np.concatenate(between)
    began = began[began > 0]
    few = len(began) < FEWEST
    return _rounded(began, LEVEL, fallback=_DAY, few=few), _rounded(apart, 0.5, fallback=_HOUR, few=few)


def _rounded(values: np.ndarray, level: float, *, fallback: float, few: bool) -> float:
    """Return a quantile on the grid: a value with at least five at or beyond it, so that no case's own outlier is told."""
    if few or not len(values):
        return fallback
    at = max(0, min(int(level * (len(values) - 1)), len(values) - FEWEST))
    return float(f"{float(np.partition(values, at)[at]):.3g}")
