"""Another way to measure the same cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.core.measure import Measure


@dataclass(frozen=True, slots=True)
class View:
    """Further measures of the same cases, one row of the panel `panel`: an operating point, a level of confidence.

    `measures` and `support` are as those of a task; `about` holds what JSON can hold (a threshold, how it was chosen).
    `cases` is how many it measures where those are not all.
    """

    panel: str
    label: str
    measured: tuple[Measure, ...]
    measures: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
    support: Callable[[np.ndarray], Mapping[str, float]]
    about: Mapping[str, Any]
    cases: int | None = None
