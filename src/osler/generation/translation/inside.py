"""Which places belong to the body: the air around a head is easy to translate, and would flatter every measure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

SMOOTH = 1.0  # places in the plane of a slice: grain in the air does not reach the threshold
LEAST = 0.1  # of the largest connected part: smaller ones are grain, or what lies beside the patient
LOW, HIGH = 0.5, 99.5  # percentiles that stand for the ends of an image's intensities


def ends(values: np.ndarray) -> tuple[float, float]:
    """Return the percentiles LOW and HIGH of values, of large ones of an even sample.

    >>> ends(np.arange(201.0))
    (1.0, 199.0)
    """
    flat = np.asarray(values).ravel()
    low, high = np.percentile(flat[:: max(1, len(flat) >> 20)], (LOW, HIGH))
    return float(low), float(high)


def inside(images: Sequence[np.ndarray], *, share: float) -> np.ndarray:
    """Return (i, j[, k]) bool: the places that count, of `images` (channels, i, j[, k]) of one grid; everywhere where `share` is 0.

    A place counts where any channel of any image lies above `share` of the way between its ends. Constant images say nothing.
    """
    shape = images[0].shape[1:]
    if share <= 0:
        return np.ones(shape, bool)
    found = np.zeros(shape, bool)
    for image in images:
        for channel in image:
            found |= _above(np.asarray(channel, np.float32), share=share)
    return _filled(_large(found))


def _above(values: np.ndarray, *, share: float) -> np.ndarray:
    low, high = ends(values)
    if high <= low:
        return np.zeros(values.shape, bool)
    smooth = ndimage.gaussian_filter(values, (SMOOTH, SMOOTH, *(0,) * (values.ndim - 2)))
    return np.asarray(smooth > low + share * (high - low))


def _large(found: np.ndarray) -> np.ndarray:
    parts, many = ndimage.label(found)
    if many < 2:
        return found
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= LEAST * sizes.max())[parts])


def _filled(found: np.ndarray) -> np.ndarray:
    if found.ndim == 2:
        return np.asarray(ndimage.binary_fill_holes(found))
    return np.stack([ndimage.binary_fill_holes(found[..., k]) for k in range(found.shape[-1])], axis=-1)
