"""What intensities a case holds, in a few numbers per channel."""

from __future__ import annotations

import numpy as np

from osler.modalities.images.grids.case import LEVEL_NAMES, UNMARKED

MOST = 1 << 18  # places that are looked at
PADDED = 0.1  # share of one and the same lowest value from which it is taken for what lies outside the body


def levels(values: np.ndarray, *, where: np.ndarray | None = None) -> np.ndarray:
    """Return (channels, len(LEVEL_NAMES)) float32 of `values` (channels, axes), of the places `where` (axes) bool alone; NaN where
    there are none. Without it, what has exactly the lowest value is left out where it is much: air that was cut away."""
    found = np.full((len(values), len(LEVEL_NAMES)), np.nan, np.float32)
    for channel, one in enumerate(values):
        some = one[where] if where is not None else _inside(one.ravel())
        some = some[:: max(1, len(some) // MOST)].astype(np.float64)
        if len(some):
            low, middle, high = np.percentile(some, (0.5, 50, 99.5))
            found[channel] = some.min(), low, middle, high, some.mean(), some.std()
    return found


def _inside(flat: np.ndarray) -> np.ndarray:
    some = flat[:: max(1, len(flat) // MOST)]
    outside = some == some.min() if len(some) else np.zeros(0, bool)
    return some[~outside] if PADDED < outside.mean(dtype=np.float64) < 1 else some


def marked(mask: np.ndarray) -> np.ndarray:
    """Return (axes) bool: which places of a mask (columns, axes) hold a label."""
    return np.asarray(((mask != 0) & (mask != UNMARKED)).any(0))
