"""Cases that are scored as one: the slices of a patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.contract import Task

TOGETHER = "Intervals and values take the cases of a group together, as the slices of a patient: {n} cases are scored as {m}."


@dataclass(frozen=True, slots=True)
class Together:
    """What is scored: `lines` (m, s) of statistics by part, the place `first` (m,) of the first case of each among all `cases`, and
    the `groups` (m,) of these where they are known. Where the task takes each case by itself, all stay as they are."""

    lines: Mapping[str, np.ndarray]
    first: np.ndarray
    groups: np.ndarray | None
    cases: int
    members: np.ndarray | None

    @classmethod
    def of(cls, task: Task, lines: Mapping[str, np.ndarray], groups: np.ndarray | None, *, info: Mapping[str, Any]) -> Together:
        """Return `lines` (n, s) by part as the task takes them together by `groups` (n,)."""
        cases = len(next(iter(lines.values())))
        found, first = {}, np.arange(cases)
        for part, one in lines.items():
            found[part], first = task.pooled(one, groups, info=info)
        if len(first) == cases:
            return cls(lines, np.arange(cases), groups, cases, None)
        return cls(found, first, None if groups is None else groups[first], cases, groups)

    def any(self, touched: np.ndarray) -> np.ndarray:
        """Return (m,) whether any case that is scored in a line is among the `touched` (n,) bool."""
        if self.members is None or self.groups is None:
            return np.asarray(touched[self.first])
        return np.isin(self.groups, self.members[touched])

    def columns(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the columns (n,) of the first case of each line."""
        return {name: values[self.first] for name, values in columns.items()}

    def noted(self, notes: Sequence[str]) -> tuple[str, ...]:
        """Return the `notes`, with one on what was taken together if anything was."""
        if len(self.first) == self.cases:
            return tuple(notes)
        return (*notes, TOGETHER.format(n=f"{self.cases:,}", m=f"{len(self.first):,}"))
