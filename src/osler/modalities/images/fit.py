"""What is learned of the training pictures besides weights."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.images.baseline.frequencies import low_frequencies
from osler.modalities.images.case import PIXELS
from osler.modalities.images.drift import typical_likeness
from osler.modalities.images.facts import sample

GROUPS = 5  # fewer would show in the mean what one case looks like


def fit(columns: Columns, rows: np.ndarray, *, groups: np.ndarray) -> State:
    """Return the mean and spread of each channel (channels,); those of an evenly spread range where fewer than five groups train;
    the axes of the baseline's low frequencies, and how alike the pictures are to their mean."""
    low = low_frequencies(columns, rows, groups=groups)
    like = typical_likeness(columns, rows, arrays=low)
    field = columns.field(PIXELS)
    shape = tuple(int(s or 0) for s in field.shape)
    if len(np.unique(groups[rows])) < GROUPS:
        top = np.iinfo(field.dtype).max if np.dtype(field.dtype).kind in "iu" else 1.0
        even = {"mean": np.full(shape[0], top / 2, np.float32), "spread": np.full(shape[0], top / 4, np.float32)}
        return State({**even, **low}, like)
    parts = [np.asarray(columns[PIXELS])[chunk].astype(np.float64) for chunk in np.array_split(sample(rows, shape=shape), 16)]
    count = sum(p.shape[0] * p[0, 0].size for p in parts if len(p))
    mean = sum(p.sum((0, 2, 3)) for p in parts) / count
    spread = np.sqrt(sum(((p - mean[:, None, None]) ** 2).sum((0, 2, 3)) for p in parts) / count)
    return State({"mean": mean.astype(np.float32), "spread": np.maximum(spread, 1e-3).astype(np.float32), **low}, like)
