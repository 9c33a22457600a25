"""Where a grid of values lies in the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid: `shape` (i, j[, k]) and `affine` (4, 4) float64 from index to millimetres, RAS+.

    A picture without known geometry has the identity as its affine.
    """

    shape: tuple[int, ...]
    affine: np.ndarray

    @property
    def spacing(self) -> np.ndarray:
        """Distance between neighbours along each axis, in millimetres."""
        return np.linalg.norm(self.affine[:3, : len(self.shape)], axis=0)
