"""Low frequencies: the principal axes of the training thumbnails (Turk and Pentland 1991).

Axes are whole numbers, so that a projection is exact and the same for one picture as for many.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osler.core.columns import Columns
from osler.modalities.images.case import THUMB, THUMBNAIL

MOST = 48  # axes; on chest films and brain slices 64 were no better
ROWS = 4_000  # pictures from which axes are learned
PER_AXIS = 10  # groups behind each axis
LARGEST_SHARE = 0.2  # of an axis's spread that one group may carry: an axis must rest on five groups at least
UNIT = 1 << 14
MEAN, AXES = "low_mean", "low_axes"
_AT_ONCE = 4_096


def low_frequencies(columns: Columns, rows: np.ndarray, *, groups: np.ndarray) -> dict[str, np.ndarray]:
    """Return MEAN (pixels,) and AXES (k, pixels), both int16, of the thumbnails of `rows`; `groups` (n,) is by row of the columns.

    No axis holds a single case: there is one to PER_AXIS groups, and one of whose spread a group carries more than
    LARGEST_SHARE is left out. With few groups there is none.
    """
    from scipy.linalg import eigh

    some = rows if len(rows) <= ROWS else np.sort(np.random.default_rng(0xF7).choice(rows, ROWS, replace=False))
    pixels = THUMB * THUMB
    _, group = np.unique(groups[some], return_inverse=True)
    wanted = min(MOST, (int(group.max()) + 1 if len(group) else 0) // PER_AXIS)
    if wanted == 0:
        return {MEAN: np.zeros(pixels, np.int16), AXES: np.zeros((0, pixels), np.int16)}
    values = np.asarray(columns[THUMBNAIL])[some].reshape(len(some), pixels).astype(np.float32)
    mean = np.round(values.mean(0))
    away = values - mean
    _, vectors = eigh((away.T @ away).astype(np.float64), subset_by_index=(pixels - wanted, pixels - 1))
    axes = vectors.T[::-1]
    axes = axes * np.sign(axes[np.arange(wanted), np.abs(axes).argmax(1)])[:, None]
    squares = (away @ axes.T.astype(np.float32)) ** 2
    carried = np.stack([np.bincount(group, squares[:, k]) for k in range(wanted)])
    kept = carried.max(1) <= LARGEST_SHARE * np.maximum(carried.sum(1), 1e-9)
    return {MEAN: mean.astype(np.int16), AXES: np.round(axes[kept] * UNIT).astype(np.int16)}


def projected(columns: Columns, rows: np.ndarray, *, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return where the thumbnails of `rows` lie on the axes (rows, k) float32, in thumbnails' grey levels from 0 to 1."""
    mean, axes = arrays[MEAN].astype(np.float64), arrays[AXES].astype(np.float64)
    out = np.empty((len(rows), len(axes)), np.float32)
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        values = np.asarray(columns[THUMBNAIL])[part].reshape(len(part), -1).astype(np.float64)
        out[start : start + _AT_ONCE] = (values - mean) @ axes.T / (UNIT * 255)
    return out
