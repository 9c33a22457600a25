"""How like a translated image is to the real one, at the places that count: mean absolute error, PSNR, and structural similarity."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter

SIGMA, TRUNCATED = 1.5, 3.5  # of the window: 11 × 11 places, as Wang et al. 2004 have it
K1, K2 = 0.01, 0.03  # their constants, of the range


def structural(first: np.ndarray, second: np.ndarray, *, span: float) -> np.ndarray:
    """Return the map of structural similarity (…, i, j) of pictures (…, i, j), whose values may range over `span`.

    Means, variances and covariance under a Gaussian window (Wang, Bovik, Sheikh, Simoncelli 2004, doi:10.1109/TIP.2003.819861); slices of a
    volume are pictures. Equal to scikit-image's `structural_similarity(gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, full=True)`.
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    here, there = _weighed(one), _weighed(other)
    variances = _weighed(one * one) - here * here + _weighed(other * other) - there * there
    together = _weighed(one * other) - here * there
    small, large = (K1 * span) ** 2, (K2 * span) ** 2
    above = (2 * here * there + small) * (2 * together + large)
    return np.asarray(above / ((here * here + there * there + small) * (variances + large)))


def _weighed(values: np.ndarray) -> np.ndarray:
    return np.asarray(gaussian_filter(values, SIGMA, truncate=TRUNCATED, mode="reflect", axes=(-2, -1)))


def errors(found: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Return the mean absolute and the mean squared error of values at the places that count."""
    away = np.asarray(found, np.float64) - np.asarray(truth, np.float64)
    return float(np.abs(away).mean()), float((away * away).mean())


def decibels(squared: float, *, span: float) -> float:
    """Return the peak signal-to-noise ratio of a mean `squared` error, for values that range over `span`; infinite without an error.

    >>> round(decibels(100.0, span=255), 4)
    28.1308
    """
    return 10 * math.log10(span * span / squared) if squared > 0 else math.inf
