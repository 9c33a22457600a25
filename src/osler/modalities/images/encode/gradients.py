"""Histograms of oriented gradients (Dalal and Triggs 2005), of many pictures at once."""

from __future__ import annotations

import numpy as np

ORIENTATIONS = 9
CELLS = 4  # along each side
BLOCK = 2  # cells along each side that are brought to one length
CLIP = 0.2


def names() -> tuple[str, ...]:
    """Return the names of what `hog` gives of pictures of CELLS × CELLS cells."""
    blocks, step = range(CELLS - BLOCK + 1), 180 // ORIENTATIONS
    return tuple(
        f"gradients.block {i + 1},{j + 1} cell {a + 1},{b + 1} at {step * o}°"
        for i in blocks for j in blocks for a in range(BLOCK) for b in range(BLOCK) for o in range(ORIENTATIONS)
    )  # fmt: skip


def hog(pictures: np.ndarray, *, cell: int) -> np.ndarray:
    """Return (n, blocks · blocks · BLOCK² · ORIENTATIONS) float32 of pictures (n, i, j) whose sides are multiples of `cell`.

    Unsigned orientations, each pixel counts in the bin of its gradient; blocks are brought to length one, clipped and
    brought to length one again (L2-Hys, Lowe 2004).
    """
    down, across = np.zeros_like(pictures), np.zeros_like(pictures)
    down[:, 1:-1] = pictures[:, 2:] - pictures[:, :-2]
    across[:, :, 1:-1] = pictures[:, :, 2:] - pictures[:, :, :-2]
    strength = np.sqrt(down * down + across * across)
    angle = np.arctan2(down, across) * np.float32(ORIENTATIONS / np.pi) % ORIENTATIONS
    bins = np.minimum(angle.astype(np.int32), ORIENTATIONS - 1)
    cells = _cells(strength, bins, cell=cell)
    side = (cells.shape[1] - BLOCK + 1, cells.shape[2] - BLOCK + 1)
    parts = [cells[:, a : a + side[0], b : b + side[1]] for a in range(BLOCK) for b in range(BLOCK)]
    blocks = np.stack(parts, axis=3).reshape(len(pictures), *side, -1)
    return _length_one(np.minimum(_length_one(blocks), CLIP)).reshape(len(pictures), -1)


def _cells(strength: np.ndarray, bins: np.ndarray, *, cell: int) -> np.ndarray:
    """Return (n, i / cell, j / cell, ORIENTATIONS): the mean strength by bin."""
    count, high, wide = strength.shape
    rows, columns = high // cell, wide // cell
    home = (np.arange(high) // cell)[:, None] * columns + np.arange(wide) // cell
    place = (np.arange(count)[:, None, None] * rows * columns + home) * ORIENTATIONS + bins
    sums = np.bincount(place.ravel(), strength.ravel(), minlength=count * rows * columns * ORIENTATIONS)
    return sums.reshape(count, rows, columns, ORIENTATIONS).astype(np.float32) / cell**2


def _length_one(blocks: np.ndarray) -> np.ndarray:
    return np.asarray(blocks / np.sqrt(np.square(blocks).sum(-1, keepdims=True) + 1e-10))
