"""The outcome in the form in which tasks train on it and score it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted, for n cases.

    `values` (n, k) float64; `observed` (n, k) bool: a measure never sees an unobserved value. `info` holds what JSON can
    hold: the task's kind, names of targets, classes. A target on a grid (a mask) lies in its anchor input's columns:
    `info["field"]` names it there, and `values` is (n, 0), or what its task keeps of each case as a whole. `weight` (n,)
    weighs cases in training where the user gave it; measures are not weighted.
    """

    values: np.ndarray
    observed: np.ndarray
    info: Mapping[str, Any]
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray) -> Target:
        """Return the cases `rows`."""
        weight = None if self.weight is None else self.weight[rows]
        return replace(self, values=self.values[rows], observed=self.observed[rows], weight=weight)
