"""Pictures brought to a size, many at once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def resized(pictures: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return pictures (…, i, j) as float32 (…, *size): linear where they grow, means over the covered part where they shrink."""
    down, across = (_weights(a, b) for a, b in zip(pictures.shape[-2:], size, strict=True))
    return np.asarray(down @ pictures.astype(np.float32, copy=False) @ across.T)


@lru_cache(maxsize=64)
def _weights(length: int, wanted: int) -> np.ndarray:
    """Return (wanted, length): a triangle around each wanted place, as wide as the step between two of them."""
    step = length / wanted
    centres = (np.arange(wanted) + 0.5) * step - 0.5
    away = np.abs(np.arange(length) - centres[:, None]) / max(1.0, step)
    weights = np.maximum(0.0, 1.0 - away)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def stretched(pictures: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return pictures (n, i, j) between 0 and 1, where `low` and `high` (n,) are and beyond; flat ones are 0."""
    width = np.maximum(high - low, 1e-6)
    out = (pictures - low[:, None, None].astype(np.float32)) / width[:, None, None].astype(np.float32)
    return np.asarray(np.clip(out, 0.0, 1.0))
