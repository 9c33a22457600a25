"""Where the summaries of the network lie among those of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.columns import Columns
from osler.modalities.timelines.fit.vocabulary import FEWEST

if TYPE_CHECKING:
    from osler.core.state import State

QUANTILES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
SAMPLE = 10_000  # cases, one of each group
LEAST = 4 * FEWEST  # cases that have a code before its summaries are told apart
_BLOCK = 512


def spread(columns: Columns, rows: np.ndarray, *, groups: np.ndarray, state: State, plan: Mapping[str, Any]) -> np.ndarray:
    """Return (F, q) float32: the QUANTILES of each summary over cases that have its code, one case of each group; `groups` (n,) by row
    of the columns. Every quantile has five cases at or beyond it, and lies on a grid of three digits; 0 where fewer than
    LEAST cases have the code."""
    some = _one_each(rows, groups=groups)
    values, here = _summed(columns, some, state=state, plan=plan)
    found = np.zeros((values.shape[1], len(QUANTILES)))
    for at in range(values.shape[1]):
        own = np.sort(values[here[:, at], at].astype(np.float64))
        if len(own) >= LEAST:
            levels = np.clip(QUANTILES, (FEWEST - 1) / (len(own) - 1), 1 - (FEWEST - 1) / (len(own) - 1))
            found[at] = _rounded(np.quantile(own, levels))
    return np.maximum.accumulate(found, axis=1).astype(np.float32)


def _rounded(quantiles: np.ndarray) -> np.ndarray:
    wide = quantiles[-2] - quantiles[1] or abs(quantiles[len(quantiles) // 2]) or 1.0
    step = 10.0 ** (np.floor(np.log10(wide)) - 2)
    return np.asarray(np.round(quantiles / step) * step)


def _one_each(rows: np.ndarray, *, groups: np.ndarray) -> np.ndarray:
    _, first = np.unique(groups[rows], return_index=True)
    kept = rows[np.sort(first)]
    return kept if len(kept) <= SAMPLE else kept[np.linspace(0, len(kept) - 1, SAMPLE).astype(np.int64)]


def _summed(
    columns: Columns, rows: np.ndarray, *, state: State, plan: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return the summaries (m, F) of the cases `rows` as the network sees them, and whether each is told (m, F)."""
    import torch

    from osler.modalities.timelines.case import CODES, TIMES, VALUES
    from osler.modalities.timelines.gather import gather
    from osler.modalities.timelines.network.encoder import summarised
    from osler.modalities.timelines.network.events import Lift

    lift, summaries = Lift(state), summarised(state)
    values, here = [], []
    with torch.no_grad():
        for start in range(0, len(rows), _BLOCK):
            fields = gather(columns, rows[start : start + _BLOCK], plan=plan, names=(TIMES, CODES, VALUES))
            found, present = summaries(lift.events(lift(fields), fields))
            values.append(found.numpy())
            here.append(present.numpy() > 0)
    width = summaries.width
    return np.concatenate([np.empty((0, width), np.float32), *values]), np.concatenate([np.empty((0, width), bool), *here])
