"""Grids brought to another number of places along each axis, edges on edges: one small matrix per axis."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

Kernel = Literal["cubic", "linear"]
SUPPORT = {"cubic": 2.0, "linear": 1.0}


def matrix(places: int, wanted: int, *, kernel: Kernel) -> np.ndarray:
    """Return (wanted, places) float32: what each new place takes of the old ones.

    Cubic convolution (Keys 1981, a = -1/2) or hats; both are widened where places get fewer, so that nothing is skipped.
    """
    step = places / wanted
    wide = max(1.0, step)
    centres = (np.arange(wanted) + 0.5) * step - 0.5
    away = np.abs(np.arange(places)[None, :] - centres[:, None]) / wide
    found = _cubic(away) if kernel == "cubic" else np.clip(1 - away, 0, None)
    return (found / found.sum(1, keepdims=True)).astype(np.float32)


def _cubic(x: np.ndarray) -> np.ndarray:
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def resampled(values: np.ndarray, shape: tuple[int, ...], *, kernel: Kernel) -> np.ndarray:
    """Return `values` (channel, axes) on `shape`, float32."""
    found = torch.from_numpy(np.array(values, np.float32))
    for axis, wanted in enumerate(shape, start=1):
        if found.shape[axis] != wanted:
            found = along(found, torch.from_numpy(matrix(found.shape[axis], wanted, kernel=kernel)), axis=axis)
    return found.numpy()


def along(values: Tensor, weights: Tensor, *, axis: int) -> Tensor:
    """Return `values` with `axis` multiplied by `weights` (wanted, places)."""
    moved = values.movedim(axis, -2) if axis != values.dim() - 1 else values
    if axis == values.dim() - 1:
        return values @ weights.T
    return (weights @ moved).movedim(-2, axis)


def resampled_labels(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return label values (channel, axes) uint8 on `shape`: at each place the one with the largest share of it."""
    if values.shape[1:] == shape:
        return np.ascontiguousarray(values)
    out = np.zeros((len(values), *shape), np.uint8)
    for channel, one in enumerate(values):
        most = np.full(shape, -1.0, np.float32)
        for value in np.flatnonzero(np.bincount(one.ravel(), minlength=1)):
            share = resampled((one == value)[None], shape, kernel="linear")[0]
            better = share > most + 1e-6
            out[channel][better] = value
            np.maximum(most, share, out=most)
    return out
