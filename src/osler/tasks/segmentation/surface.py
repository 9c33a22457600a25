"""Distances between the surfaces of two masks, in millimetres.

Definitions of Nikolov et al. 2018 (arXiv:1809.04430): a surface is made of elements between voxels, and each counts by its area, so
that an oblique or anisotropic grid gives no direction more weight. Values equal those of DeepMind's `surface-distance` 0.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from osler.tasks.segmentation.patches import areas

ROBUST = 0.95  # of the surface lies nearer than HD95
_AT_ONCE = 1 << 22  # places whose codes are made at once


@dataclass(frozen=True, slots=True)
class Surface:
    """Elements of a surface: `places` (m, axes) int32, the corners between voxels where they lie, and their `area` (m,) in mm²
    (lengths in mm of a contour)."""

    places: np.ndarray
    area: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray, spacing: Sequence[float]) -> Surface:
        """Return the surface of `mask` (i, j[, k]) bool; beyond its ends there is nothing."""
        table = areas(tuple(float(s) for s in spacing))
        padded = np.pad(mask.view(np.uint8), 1)
        step = max(1, _AT_ONCE // max(1, padded[0].size))
        places, found = [], []
        for start in range(0, len(padded) - 1, step):
            codes = _codes(padded[start : start + step + 1])
            flat = np.flatnonzero((codes != 0) & (codes != len(table) - 1))
            at = np.stack(np.unravel_index(flat, codes.shape), axis=1).astype(np.int32)
            at[:, 0] += start
            places.append(at)
            found.append(table[codes.reshape(-1)[flat]])
        return cls(np.concatenate(places), np.concatenate(found))


@dataclass(frozen=True, slots=True)
class Apart:
    """How far two surfaces lie apart: of each, the distance (m,) of its elements to the nearest element of the other, in mm, and
    their area (m,)."""

    distances: tuple[np.ndarray, np.ndarray]
    area: tuple[np.ndarray, np.ndarray]

    def within(self, tolerance: float) -> float:
        """Return the normalised surface distance: the share of both surfaces that lies within `tolerance` mm of the other."""
        near = sum(float(a[d <= tolerance].sum()) for d, a in zip(self.distances, self.area, strict=True))
        return near / float(sum(a.sum() for a in self.area))

    def robust(self) -> float:
        """Return the 95% Hausdorff distance: the larger of the distances that 95% of either surface stays within."""
        return max(_quantile(d, a) for d, a in zip(self.distances, self.area, strict=True))

    def average(self) -> float:
        """Return the average symmetric surface distance: the mean over all elements of both, by area."""
        total = sum(float(d @ a) for d, a in zip(self.distances, self.area, strict=True))
        return total / float(sum(a.sum() for a in self.area))


def apart(truth: np.ndarray, marked: np.ndarray, spacing: Sequence[float]) -> Apart:
    """Return how far the surfaces of two masks (i, j[, k]) bool lie apart; both must hold something.

    Nearest elements are looked up in a tree of them, not in a map of distances: the memory is that of the surfaces.
    """
    from scipy.spatial import cKDTree

    surfaces = [Surface.of(mask, spacing) for mask in (truth, marked)]
    points = [surface.places * np.asarray(spacing, float) for surface in surfaces]
    trees = [cKDTree(p, balanced_tree=False) for p in points]
    found = [tree.query(p)[0] for tree, p in zip(reversed(trees), points, strict=True)]
    return Apart((found[0], found[1]), (surfaces[0].area, surfaces[1].area))


def _codes(padded: np.ndarray) -> np.ndarray:
    """Return the neighbour code of each corner between voxels, uint8."""
    shape = tuple(n - 1 for n in padded.shape)
    codes = np.zeros(shape, np.uint8)
    for bit, corner in enumerate(product((0, 1), repeat=padded.ndim)):
        codes |= padded[tuple(slice(c, c + n) for c, n in zip(corner, shape, strict=True))] << bit
    return codes


def _quantile(distances: np.ndarray, area: np.ndarray) -> float:
    order = np.argsort(distances, kind="stable")
    upto = np.cumsum(area[order]) / area.sum()
    return float(distances[order[min(int(np.searchsorted(upto, ROBUST)), len(order) - 1)]])
