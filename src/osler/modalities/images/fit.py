"""What is learned of the training pictures besides weights."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.images.case import PIXELS
from osler.modalities.images.frequencies import low_frequencies


def fit(columns: Columns, rows: np.ndarray, *, groups: np.ndarray) -> State:
    """Return the mean and spread of each channel (channels,), and the axes of the baseline's low frequencies."""
    low = low_frequencies(columns, rows, groups=groups)
    pixels = np.asarray(columns[PIXELS])[rows[:4000]].astype(np.float32)
    if not len(rows):
        channels = columns.field(PIXELS).shape[0] or 1
        return State({"mean": np.zeros(channels, np.float32), "spread": np.ones(channels, np.float32), **low})
    return State({"mean": pixels.mean((0, 2, 3)), "spread": pixels.std((0, 2, 3)) + 1e-3, **low})
