"""What is learned of the training pictures besides weights."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.images.case import PIXELS


def fit(columns: Columns, rows: np.ndarray) -> State:
    """Return the mean and spread of each channel (channels,)."""
    pixels = np.asarray(columns[PIXELS])[rows[:4000]].astype(np.float32)
    if not len(rows):
        channels = columns.field(PIXELS).shape[0] or 1
        return State({"mean": np.zeros(channels, np.float32), "spread": np.ones(channels, np.float32)})
    return State({"mean": pixels.mean((0, 2, 3)), "spread": pixels.std((0, 2, 3)) + 1e-3})
