"""How bright a picture is: moments, quantiles, and the form of its histogram."""

from __future__ import annotations

import numpy as np

BINS = 16
LEVELS = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
MOMENTS = ("mean", "spread", "skewness", "kurtosis", "entropy")
NAMES = (
    *(f"intensity.{name}" for name in MOMENTS),
    *(f"intensity.quantile {100 * level:g}%" for level in LEVELS),
    *(f"histogram.{b + 1}" for b in range(BINS)),
)


def intensity(ordered: np.ndarray) -> np.ndarray:
    """Return (n, len(NAMES)) float32 of pictures whose values are sorted (n, pixels), of any type.

    Moments and quantiles are in the pictures' own units. The histogram lies between a picture's 1% and 99% quantiles, so
    that it tells of form in 8 and in 16 bits alike; what lies beyond counts in its first and last bin.
    """
    values = ordered.astype(np.float32)
    at_levels = quantiles(ordered, LEVELS)
    mean = values.mean(1, dtype=np.float64)
    away = values - mean[:, None].astype(np.float32)
    square = away * away
    variance = square.mean(1, dtype=np.float64)
    spread = np.sqrt(variance)
    safe = np.maximum(variance, 1e-12)
    skewness = (square * away).mean(1, dtype=np.float64) / safe**1.5
    kurtosis = (square * square).mean(1, dtype=np.float64) / safe**2
    low, high = at_levels[:, LEVELS.index(0.01)], at_levels[:, LEVELS.index(0.99)]
    shares = _histogram(values, low, high)
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(1)
    moments = np.stack([mean, spread, skewness * (spread > 0), kurtosis * (spread > 0), entropy], axis=1)
    return np.concatenate([moments, at_levels, shares], axis=1).astype(np.float32)


def quantiles(ordered: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Return (n, len(levels)) float64 of sorted values (n, pixels), each the nearest value."""
    places = np.round(np.array(levels) * (ordered.shape[1] - 1)).astype(np.int64)
    return ordered[:, places].astype(np.float64)


def _histogram(ordered: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    pixels = ordered.shape[1]
    edges = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, BINS + 1)[1:-1]
    below = np.stack([np.searchsorted(row, e) for row, e in zip(ordered, edges.astype(np.float32), strict=True)])
    ends = np.concatenate([np.zeros((len(ordered), 1)), below, np.full((len(ordered), 1), pixels)], axis=1)
    return np.asarray(np.diff(ends, axis=1) / pixels)
