"""What is measured of the training pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.target import Target
from osler.modalities.images.case import PIXELS
from osler.modalities.images.drift import drift_facts
from osler.modalities.images.facts.mirror import mirrored

MOST = 2000  # pictures that are looked at
VALUES = 1 << 26  # pixels that are held at once


def facts(columns: Columns, rows: np.ndarray, *, target: Target | None = None) -> Mapping[str, Any]:
    """Return shape, type, intensities, and what mirroring does to the pictures and to what they say of the target.

    `unlike` is how much the pictures' own ranges of intensities differ: their standard deviation over their mean.
    """
    shape = tuple(int(s or 0) for s in columns.field(PIXELS).shape)
    kept = sample(rows, shape=shape)
    pixels = np.asarray(columns[PIXELS])[kept]
    means, spreads, ranges = _intensities(pixels)
    return {
        "shape": list(shape),
        "dtype": columns.field(PIXELS).dtype,
        "pictures": len(rows),
        "mean": float(means.mean()) if len(kept) else 0.0,
        "spread": float(np.sqrt((spreads**2).mean() + means.var())) if len(kept) else 1.0,
        "unlike": float(ranges.std() / max(ranges.mean(), 1e-9)) if len(kept) else 0.0,
        "drift": drift_facts(columns, kept),
        "mirror": mirrored(pixels, None if target is None else target.take(kept)),
    }


def sample(rows: np.ndarray, *, shape: tuple[int, ...]) -> np.ndarray:
    """Return at most MOST of `rows`, evenly spread over them, fewer where pictures are large."""
    most = max(64, min(MOST, VALUES // max(1, int(np.prod(shape)))))
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)] if len(rows) > most else rows


def _intensities(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (n,) each picture's mean, standard deviation, and width from the 1st to the 99th percentile."""
    found = np.zeros((len(pixels), 3))
    for row, picture in enumerate(pixels):
        values = picture.astype(np.float64)
        low, high = np.percentile(values[..., :: max(1, values.size // 20_000)], (1, 99))
        found[row] = values.mean(), values.std(), high - low
    return found[:, 0], found[:, 1], found[:, 2]
