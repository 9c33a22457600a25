"""What is measured of the training pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.modalities.images.case import PIXELS


def facts(columns: Columns, rows: np.ndarray) -> Mapping[str, Any]:
    """Return shape, type, and the mean and spread of intensities."""
    pixels = np.asarray(columns[PIXELS])[rows[:2000]].astype(np.float64)
    return {
        "shape": list(columns.field(PIXELS).shape),
        "dtype": columns.field(PIXELS).dtype,
        "pictures": len(rows),
        "mean": float(pixels.mean()) if len(rows) else 0.0,
        "spread": float(pixels.std()) if len(rows) else 1.0,
    }
