"""What is learned of the training volumes besides weights."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.images.baseline.frequencies import low_frequencies
from osler.modalities.images.case import PIXELS
from osler.modalities.images.drift import typical_likeness
from osler.modalities.images.facts import sample
from osler.modalities.images.fit import GROUPS


def fit(columns: Columns, rows: np.ndarray, *, groups: np.ndarray) -> State:
    """Return the mean and spread of each channel (channels,); those of an even range where fewer than five groups train; the axes of
    the baseline's low frequencies, and how alike the volumes are to their mean."""
    low = low_frequencies(columns, rows, groups=groups)
    like = typical_likeness(columns, rows, arrays=low)
    shape = tuple(int(s or 0) for s in columns.field(PIXELS).shape)
    few = len(np.unique(groups[rows])) < GROUPS
    mean, spread = _even(columns, rows, channels=shape[0]) if few else _moments(columns, sample(rows, shape=shape))
    return State({"mean": mean.astype(np.float32), "spread": np.maximum(spread, 1e-3).astype(np.float32), **low}, like)


def _moments(columns: Columns, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each channel, over all places of the cases `rows`."""
    found = [np.asarray(columns[PIXELS][int(row)]) for row in rows]
    means = np.array([one.mean((1, 2, 3), dtype=np.float64) for one in found])
    spreads = np.array([one.std((1, 2, 3), dtype=np.float64) for one in found])
    return means.mean(0), np.sqrt((spreads**2).mean(0) + means.var(0))


def _even(columns: Columns, rows: np.ndarray, *, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a plain range that tells nothing of a case but its order of magnitude."""
    field = columns.field(PIXELS)
    if np.dtype(field.dtype).kind in "iu" and np.dtype(field.dtype).itemsize == 1:
        return np.full(channels, 127.5), np.full(channels, 64.0)
    top = max((float(np.abs(np.asarray(columns[PIXELS][int(row)], np.float64)).max()) for row in rows), default=1.0)
    top = 2.0 ** np.ceil(np.log2(max(top, 1e-6)))
    return np.full(channels, top / 4), np.full(channels, top / 4)
