"""What a volume is described by without learning: how bright it is, what its three projections show, and what lies in each part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osler.modalities.images.case import THUMB
from osler.modalities.images.encode.canvas import resized
from osler.modalities.images.encode.descriptors import ENDS, Described, perceptual_hash
from osler.modalities.images.encode.gradients import CELLS, hog
from osler.modalities.images.encode.gradients import names as gradient_names
from osler.modalities.images.encode.intensity import NAMES, intensity, quantiles
from osler.modalities.images.encode.texture import pair_names, pairs, pattern_names, patterns
from osler.modalities.images.grids.resample import resampled

PLANES = {"axial": 2, "coronal": 1, "sagittal": 0}  # by the axis that is cut
PARTS = 4  # along each axis, whose mean is told of each channel
STEPS = ("mean", "spread", "95%")  # what is told of the steps from place to place along an axis


def names(shape: Sequence[int]) -> tuple[str, ...]:
    """Return the names of the descriptors of volumes of `shape` (channels, i, j, k).

    What stands before the first point is the group: intensity, histogram, parts, gradients, texture.
    """
    channels = int(shape[0])
    each = NAMES if channels == 1 else tuple(_of_channel(name, c) for c in range(channels) for name in NAMES)
    places = [(c, i, j, k) for c in range(channels) for i in range(PARTS) for j in range(PARTS) for k in range(PARTS)]
    parts = (f"parts.channel {c + 1} at {i + 1},{j + 1},{k + 1}" for c, i, j, k in places)
    steps = (f"gradients.along {axis} {name}" for axis in "ijk" for name in STEPS)
    planes = (_of_plane(name, plane) for plane in PLANES for name in (*gradient_names(), *pattern_names("fine"), *pair_names()))
    return (*each, *parts, *steps, *planes)


def _of_channel(name: str, channel: int) -> str:
    group, _, rest = name.partition(".")
    return f"{group}.channel {channel + 1} {rest}"


def _of_plane(name: str, plane: str) -> str:
    group, _, rest = name.partition(".")
    return f"{group}.{plane} {rest}"


def described(pixels: np.ndarray) -> Described:
    """Return the descriptors of one volume (channels, i, j, k) of any integer or floating type.

    Gradients are those of the mean over the middle third along each axis, texture that of the middle slice; the thumbnail is the
    mean from bottom to top, as it is looked at.
    """
    flat = pixels.reshape(len(pixels), -1)
    told = intensity(np.sort(flat, axis=1, kind="stable" if pixels.dtype.itemsize <= 2 else None)).ravel()
    grey = _grey(pixels)
    planes = [_plane(grey, axis) for axis in PLANES.values()]
    found = [told, resampled(pixels, (PARTS,) * 3, kernel="linear").ravel(), *(_steps(grey, axis) for axis in range(3)), *planes]
    thumb = np.round(resized(grey.mean(2)[::-1, ::-1].T, (THUMB, THUMB)) * 255).astype(np.uint8)[None]
    return Described(np.concatenate(found).astype(np.float32)[None], thumb, perceptual_hash(thumb))


def _grey(pixels: np.ndarray) -> np.ndarray:
    """Return (i, j, k) float32 from 0 to 1: the channels' mean, stretched between its outer quantiles."""
    grey = pixels[0].astype(np.float32) if len(pixels) == 1 else pixels.astype(np.float32).mean(0)
    low, high = quantiles(np.sort(grey.reshape(1, -1), axis=1), ENDS)[0]
    return np.asarray(np.clip((grey - np.float32(low)) / np.float32(max(high - low, 1e-6)), 0.0, 1.0))


def _steps(grey: np.ndarray, axis: int) -> np.ndarray:
    if grey.shape[axis] < 2:
        return np.zeros(len(STEPS), np.float32)
    found = np.abs(np.diff(grey, axis=axis)).ravel()
    return np.array([found.mean(), found.std(), np.quantile(found, 0.95)], np.float32)


def _plane(grey: np.ndarray, axis: int) -> np.ndarray:
    count = grey.shape[axis]
    third = grey.take(range(count // 3, max(count // 3 + 1, count - count // 3)), axis=axis).mean(axis)[None]
    middle = grey.take(count // 2, axis=axis)[None]
    shape = resized(third, (THUMB, THUMB))
    return np.concatenate([hog(shape, cell=THUMB // CELLS)[0], patterns(middle)[0], pairs(middle)[0]])
