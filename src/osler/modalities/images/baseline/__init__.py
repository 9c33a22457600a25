"""Features of pictures for the classical model."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns
from osler.core.features import Features
from osler.core.state import State
from osler.modalities.images.baseline.frequencies import AXES, projected
from osler.modalities.images.case import DESCRIPTORS

LOW = "low frequencies"


def baseline_features(columns: Columns, rows: np.ndarray, *, state: State) -> Features:
    """Return descriptors and low frequencies (rows, f), NaN where the picture is absent.

    `kinds` are what stands before a name's first point: intensity, histogram, gradients, texture, low frequencies.
    """
    found = np.asarray(columns[DESCRIPTORS])[rows].astype(np.float32)
    matrix = np.concatenate([found, projected(columns, rows, arrays=state.arrays)], axis=1)
    matrix[~np.isfinite(matrix)] = np.nan
    matrix[~columns.present[rows]] = np.nan
    low = (f"{LOW}.{k + 1}" for k in range(len(state.arrays[AXES])))
    names = (*columns.field(DESCRIPTORS).labels, *low)
    kinds = tuple(name.partition(".")[0] for name in names)
    return Features(matrix, np.arange(len(rows)), names, np.zeros(len(names), bool), kinds=kinds)
