"""Marks on the grid of a case: what a model says there, and what is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from osler.core.grid import Grid

UNMARKED = 255  # value of a place in a mask that nobody looked at
COUNTS = "counts"  # field of the role "truth", (channels, 256) int64: how many places of a case's own grid hold each value


@dataclass(frozen=True, slots=True)
class MarkedCase:
    """One case on its own grid. `slabs()` yields the raw map (k, a, …) anew, in slabs along the grid's first axis, so that a large
    case never lies whole in memory; `truth` (channels, i, j[, k]) is None where nobody marked it. Cases of one `group`, the slices of a
    patient, may be scored as one; None where nobody said."""

    slabs: Callable[[], Iterator[np.ndarray]]
    grid: Grid
    truth: np.ndarray | None = None
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Painted:
    """`marks` (channels, i, j[, k]) uint8, as they are written, or of a task whose predictions are `listed` (channels, i) float32;
    `line` (s,) float64, all that the measures need of the case; `cells` what the table of predictions says of it, by column, and
    `lists` the columns whose cells hold a number for each of its places, (i,)."""

    marks: np.ndarray
    line: np.ndarray
    cells: Mapping[str, float] = field(default_factory=dict)
    lists: Mapping[str, np.ndarray] = field(default_factory=dict)
