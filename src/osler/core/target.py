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

    `side` (n, k) int8, None where every value is exact: 1 where the true number lies above `values`, -1 where below. Such a bound
    is not observed: training alone looks at it, by `told`.
    """

    values: np.ndarray
    observed: np.ndarray
    info: Mapping[str, Any]
    weight: np.ndarray | None = None
    side: np.ndarray | None = None

    @property
    def told(self) -> np.ndarray:
        """What training learns from (n, k) bool: what is observed, and bounds."""
        return self.observed if self.side is None else self.observed | (self.side != 0)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray) -> Target:
        """Return the cases `rows`."""
        weight = None if self.weight is None else self.weight[rows]
        side = None if self.side is None else self.side[rows]
        return replace(self, values=self.values[rows], observed=self.observed[rows], weight=weight, side=side)


def logarithms(info: Mapping[str, Any]) -> list[bool]:
    """Return which targets of `info` are held as their decimal logarithms."""
    return [bool(flag) for flag in info.get("logarithm") or [False] * len(info["names"])]


def target_labels(info: Mapping[str, Any]) -> list[str]:
    """Return what the values of each target are, as people call it: its name, or the logarithm of it.

    >>> target_labels({"names": ["logS", "VDss"], "logarithm": [False, True]})
    ['logS', 'log10 VDss']
    """
    return [f"log10 {name}" if log else str(name) for name, log in zip(info["names"], logarithms(info), strict=True)]
