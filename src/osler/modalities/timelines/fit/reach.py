"""How far back the events of a case reach, and how far apart they lie."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns
from osler.modalities.timelines.fit.runs import blocks
from osler.modalities.timelines.fit.vocabulary import FEWEST

SAMPLE = 20_000  # cases from which both are taken, evenly spread
LEVEL = 0.95
_DAY, _HOUR = 1.0, 1 / 24  # where nothing is known


def reach(columns: Columns, rows: np.ndarray, *, groups: np.ndarray) -> tuple[float, float]:
    """Return `horizon` and `step` in days, on a grid of three digits: within the first 95 % of the cases begin, and the median
    between neighbouring times of a case. What lies at no finite time, or only at the prediction time, says nothing; where fewer
    than five of the `groups` (m,) by place in `rows` tell, a day and an hour stand."""
    taken = np.arange(len(rows)) if len(rows) <= SAMPLE else np.linspace(0, len(rows) - 1, SAMPLE).astype(np.int64)
    starts, between = [np.empty(0, np.float32)], [np.empty(0, np.float32)]
    began_in, apart_in = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for block in blocks(columns, rows[taken]):
        known = np.isfinite(block.times)
        case, times = block.case[known], block.times[known]
        firsts = np.flatnonzero(np.diff(case, prepend=-1))
        begun = firsts[times[firsts] < 0]
        later = np.flatnonzero((case[1:] == case[:-1]) & (np.diff(times) > 0))
        starts.append(-times[begun])
        between.append(np.diff(times)[later])
        began_in.append(np.unique(case[begun]))
        apart_in.append(np.unique(case[later]))
    own = groups[taken]
    few = [len(np.unique(own[np.concatenate(cases)])) < FEWEST for cases in (began_in, apart_in)]
    began, apart = np.concatenate(starts), np.concatenate(between)
    return _rounded(began, LEVEL, fallback=_DAY, few=few[0]), _rounded(apart, 0.5, fallback=_HOUR, few=few[1])


def _rounded(values: np.ndarray, level: float, *, fallback: float, few: bool) -> float:
    """Return a quantile on the grid: a value with at least five at or beyond it, so that no case's own outlier is told."""
    if few or not len(values):
        return fallback
    at = max(0, min(int(level * (len(values) - 1)), len(values) - FEWEST))
    return float(f"{float(np.partition(values, at)[at]):.3g}")
