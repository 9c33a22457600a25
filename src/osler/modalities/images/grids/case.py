"""The record of one image on its own grid, and the names of its fields.

Axes are (channel, i, j) or (channel, i, j, k). Volumes are stored along the axes that lie nearest to right, anterior, superior
(RAS+), pictures as they are shown, both in the study's spacing; `Place` leads back to the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osler.core.grid import Grid
from osler.core.marks import COUNTS, UNMARKED

VOLUME = "volume"  # (channels, i, j[, k]) in the type that was decided
LEVELS = "levels"  # (channels, len(LEVEL_NAMES)) float32: what intensities the case holds
PLACE = "place"  # (PLACES,) float64: how the file lies
MASK = "mask"  # (columns, i, j[, k]) uint8: label values on the stored grid
TRUTH = "truth"  # the same on the file's own grid; only where that is another
SEEDS = "seeds"  # (n, 2 + axes) int32: mask column, label value, and a place on the stored grid that holds it
MARKED = "marked_levels"  # (channels, len(LEVEL_NAMES)) float32: levels of what is marked
HASHES = "hashes"  # (2,) int64: patient and scanner, 0 where not known
LEVEL_NAMES = ("least", "low", "middle", "high", "mean", "spread")  # low and high: 0.5th and 99.5th percentile
PLACES = 3 + 16 + 3 + 3

__all__ = [
    "COUNTS", "HASHES", "LEVELS", "LEVEL_NAMES", "MARKED", "MASK", "PLACE", "PLACES", "SEEDS", "TRUTH", "UNMARKED", "VOLUME", "GridImage",
    "Place",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """How a case's file lies: its own `grid`, and the way from its axes to the stored ones: axis `order[a]` of the file becomes
    axis a, turned round where `turned[a]`."""

    grid: Grid
    order: tuple[int, ...]
    turned: tuple[bool, ...]

    def array(self) -> np.ndarray:
        """Return (PLACES,) float64."""
        axes = len(self.order)
        shape, order, turned = np.zeros(3), np.zeros(3), np.zeros(3)
        shape[:axes], order[:axes], turned[:axes] = self.grid.shape, self.order, self.turned
        return np.concatenate([shape, self.grid.affine.ravel(), order, turned])

    @classmethod
    def of(cls, values: np.ndarray, *, axes: int) -> Place:
        """Return what `array` gave."""
        shape = tuple(int(v) for v in values[:axes])
        order, turned = values[19 : 19 + axes], values[22 : 22 + axes]
        return cls(Grid(shape, values[3:19].reshape(4, 4)), tuple(int(v) for v in order), tuple(bool(v) for v in turned))

    def to_stored(self, values: np.ndarray) -> np.ndarray:
        """Return `values` (channel, file's axes) along the stored axes, a view."""
        moved = values.transpose(0, *(1 + a for a in self.order))
        return moved[:, *(slice(None, None, -1 if turn else 1) for turn in self.turned)]

    def to_own(self, values: np.ndarray) -> np.ndarray:
        """Return `values` (channel, stored axes) along the file's axes, a view."""
        straight = values[:, *(slice(None, None, -1 if turn else 1) for turn in self.turned)]
        return straight.transpose(0, *(1 + int(a) for a in np.argsort(self.order)))

    def shape(self) -> tuple[int, ...]:
        """Return the file's shape along the stored axes."""
        return tuple(self.grid.shape[a] for a in self.order)

    def spacing(self) -> np.ndarray:
        """Return the file's spacing in millimetres along the stored axes."""
        return np.asarray(self.grid.spacing[list(self.order)])


@dataclass(frozen=True, slots=True)
class GridImage:
    """One case, read: `values` (channels, file's axes), where they lie, `mask` (columns, file's axes) uint8 or None, and 64-bit hashes of
    patient and scanner, 0 where not known."""

    values: np.ndarray
    place: Place
    mask: np.ndarray | None = None
    patient: int = 0
    scanner: int = 0
