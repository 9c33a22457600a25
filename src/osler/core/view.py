"""Another way to measure the same cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.core.measure import Measure


@dataclass(frozen=True, slots=True)
class Sums:
    """Measures that need nothing but sums over cases, so that many views are added up in one pass.

    `columns` gives (n, c) float64 from statistics (n, s), case by case; `measures` each measure (r,) from the sums (r, c).
    """

    columns: Callable[[np.ndarray], np.ndarray]
    measures: Callable[[np.ndarray], dict[str, np.ndarray]]

    def of(self, statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Return each measure (r,) of resamples `counts` (r, n) of cases with `statistics` (n, s)."""
        return self.measures(counts.astype(float) @ self.columns(statistics))


@dataclass(frozen=True, slots=True)
class View:
    """Further measures of the same cases, one row of the panel `panel`: an operating point, a level of confidence.

    `measures` and `support` are as those of a task; `about` holds what JSON can hold (a threshold, how it was chosen).
    `notes` are sentences that a reader of the panel must know; equal ones of its rows are told once. A view whose measures come
    from sums gives them as `sums` too, with `measures=sums.of`: those of all views are then added up together.
    """

    panel: str
    label: str
    measured: tuple[Measure, ...]
    measures: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
    support: Callable[[np.ndarray], Mapping[str, float]]
    about: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    sums: Sums | None = None
