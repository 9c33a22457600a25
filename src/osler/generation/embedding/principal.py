"""Principal components, fitted on some cases and used on others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Principal:
    """`mean` (f,) and `axes` (f, d), the directions of the largest variance first; `share` (d,) of the variance along each."""

    mean: np.ndarray
    axes: np.ndarray
    share: np.ndarray

    def of(self, features: np.ndarray) -> np.ndarray:
        """Return (m, d) float64."""
        return (features - self.mean) @ self.axes


def principal(features: np.ndarray, dimensions: int) -> Principal:
    """Return at most `dimensions` components of `features` (n, f), each signed so that its largest weight is positive."""
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features.astype(np.float64) - mean
    tall = len(centred) >= centred.shape[1]
    power, vectors = np.linalg.eigh(centred.T @ centred if tall else centred @ centred.T)
    power, vectors = np.maximum(power[::-1], 0.0), vectors[:, ::-1]
    kept = np.flatnonzero(power > 1e-10 * max(power[0], 1e-300))[:dimensions]
    axes = vectors[:, kept] if tall else centred.T @ (vectors[:, kept] / np.sqrt(power[kept]))
    sign = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return Principal(mean, axes * sign, power[kept] / max(power.sum(), 1e-300))
