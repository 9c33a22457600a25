"""Inference: tiles that cover a case, and the way back to its own grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from osler.core.columns import Columns, Ragged
from osler.core.grid import Grid
from osler.modalities.images.grids.case import MASK, PLACE, TRUTH, VOLUME, Place
from osler.modalities.images.grids.resample import along, matrix

SLAB = 1 << 24  # numbers of a slab
SIGMA = 1 / 8  # of a tile's side, as nnU-Net weighs tiles (Isensee et al. 2021)
LEAST = 1e-3  # weight at a tile's corners over that at its middle


def stored(columns: Columns, row: int) -> tuple[int, ...]:
    """Return the shape of the stored grid."""
    volumes = columns[VOLUME]
    assert isinstance(volumes, Ragged)
    assert volumes.shapes is not None
    return tuple(int(side) for side in volumes.shapes[row][1:])


def place(columns: Columns, row: int) -> Place:
    """Return how the case's file lies."""
    return Place.of(np.asarray(columns[PLACE][row]), axes=len(stored(columns, row)))


def grid(columns: Columns, row: int) -> Grid:
    """Return the grid of the case's file."""
    return place(columns, row).grid


def tiles(columns: Columns, row: int, *, plan: Mapping[str, Any]) -> np.ndarray:
    """Return (t, axes, 2): as few tiles as overlap by `overlap` of their sides, evenly laid; a case that is smaller lies in the middle."""
    shape, patch = stored(columns, row), [int(p) for p in plan["patch"]]
    starts = [_starts(side, tile, overlap=plan["overlap"]) for side, tile in zip(shape, patch, strict=True)]
    corners = np.stack(np.meshgrid(*starts, indexing="ij"), axis=-1).reshape(-1, len(shape))
    return np.stack([corners, corners + patch], axis=-1)


def _starts(side: int, tile: int, *, overlap: float) -> np.ndarray:
    if side <= tile:
        return np.array([-((tile - side) // 2)])
    many = 1 + int(np.ceil((side - tile) / max(1, round(tile * (1 - overlap)))))
    return np.rint(np.linspace(0, side - tile, many)).astype(np.int64)


def tile_weights(shape: tuple[int, ...]) -> np.ndarray:
    """Return (shape) float32: a Gaussian about the middle."""
    whole = np.ones((), np.float32)
    for side in shape:
        away = (np.arange(side) - (side - 1) / 2) / max(1e-6, side * SIGMA)
        whole = np.multiply.outer(whole, np.exp(-0.5 * away**2) if side > 1 else np.ones(1))
    return np.maximum(whole / whole.max(), LEAST).astype(np.float32)


def restored(raw: np.ndarray, columns: Columns, row: int) -> Iterator[np.ndarray]:
    """Yield the raw map (k, stored grid) on the file's grid, linearly, in slabs (k, a, …) along the file's first axis."""
    lies = place(columns, row)
    own = torch.from_numpy(lies.to_own(raw).copy() if any(lies.turned) else lies.to_own(raw))
    shape = lies.grid.shape
    if tuple(own.shape[1:]) == shape:
        step = max(1, SLAB // max(1, int(np.prod(shape[1:])) * len(raw)))
        for start in range(0, shape[0], step):
            yield own[:, start : start + step].contiguous().numpy()
        return
    weights = [torch.from_numpy(matrix(n, w, kernel="linear")) for n, w in zip(own.shape[1:], shape, strict=True)]
    step = max(1, SLAB // max(1, int(np.prod(shape[1:])) * len(raw)))
    for start in range(0, shape[0], step):
        part = weights[0][start : start + step]
        used = torch.nonzero(part.abs().sum(0)).flatten()
        low, high = int(used.min()), int(used.max()) + 1
        slab = along(own[:, low:high], part[:, low:high], axis=1)
        for axis in range(2, slab.dim()):
            slab = along(slab, weights[axis - 1], axis=axis)
        yield slab.contiguous().numpy()


def truth(columns: Columns, row: int) -> np.ndarray:
    """Return the masks (columns, file's grid) as they were read."""
    own = np.asarray(columns[TRUTH][row])
    return own if own.size else np.asarray(columns[MASK][row])
