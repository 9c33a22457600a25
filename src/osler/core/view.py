"""Another way to measure the same cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.core.measure import Measure
from osler.core.sums import Sums


@dataclass(frozen=True, slots=True)
class View:
    """Further measures of the same cases, one row of the panel `panel`: an operating point, a level of confidence.

    `measures` and `support` are as those of a task; `about` holds what JSON can hold (a threshold, how it was chosen).
    `notes` are sentences that a reader of the panel must know; equal ones of its rows are told once. A view whose measures come
    from sums gives them as `sums` too, with `measures=sums.of`: those of all views are then added up together. `mark` names a
    figure and the measures, across and up, at which the row is drawn on it: a point that was chosen on a curve.
    """

    panel: str
    label: str
    measured: tuple[Measure, ...]
    measures: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
    support: Callable[[np.ndarray], Mapping[str, float]]
    about: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    sums: Sums | None = None
    mark: tuple[str, ...] = ()
