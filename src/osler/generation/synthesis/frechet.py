"""How far two sets of pictures lie apart, by the mean and spread of what an encoder says of them."""

from __future__ import annotations

import numpy as np


def frechet(one: np.ndarray, other: np.ndarray) -> float:
    """Return the Fréchet distance between normal distributions fitted to `one` (n, d) and `other` (m, d); it is a squared length.

    |μ - ν|² + tr(Σ + Τ - 2 (Σ Τ)^½) (Dowson & Landau 1982; of pictures Heusel et al. 2017). Both Σ and Τ have no negative eigenvalue,
    so the trace of the root is the sum of the roots of the eigenvalues of Σ^½ Τ Σ^½, which is symmetric. Few cases make it larger:
    compare sets of equal size.
    """
    means = one.mean(0, dtype=np.float64), other.mean(0, dtype=np.float64)
    first, second = _covariance(one), _covariance(other)
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0)).sum()
    found = float(np.square(means[0] - means[1]).sum() + np.trace(first) + np.trace(second) - 2 * shared)
    return max(0.0, found)


def joint(vectors: np.ndarray, classes: np.ndarray, *, count: int, scale: float) -> np.ndarray:
    """Return (n, d + count) vectors with their class as one more set of numbers, 0 or `scale`: the Fréchet distance of such also
    tells whether each class looks like itself (Fréchet joint distance, DeVries et al. 2019)."""
    return np.concatenate([vectors, scale * (classes[:, None] == np.arange(count)[None])], axis=1)


def _covariance(vectors: np.ndarray) -> np.ndarray:
    if len(vectors) < 2:
        return np.zeros((vectors.shape[1], vectors.shape[1]))
    return np.atleast_2d(np.cov(vectors.astype(np.float64), rowvar=False))
