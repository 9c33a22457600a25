"""Features of pictures for the classical model."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns
from osler.core.features import Features
from osler.modalities.images.case import DESCRIPTORS


def baseline_features(columns: Columns, rows: np.ndarray) -> Features:
    """Return the descriptors (rows, f), NaN where the picture is absent."""
    matrix = np.asarray(columns[DESCRIPTORS])[rows].astype(np.float32)
    matrix[~columns.present[rows]] = np.nan
    names = columns.field(DESCRIPTORS).labels
    return Features(matrix, np.arange(len(rows)), names, np.zeros(len(names), bool))
