"""The label of what is made: a class or a number that some cases have, by which they are made or judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from osler.contract import NO_OPTIONS, Maker, Task
from osler.core import registry
from osler.core.errors import Refusal, StudyError
from osler.core.study import Study
from osler.core.table import Table
from osler.core.target import Target
from osler.spine.study import guess


class Labelled(Task):
    """A target that may be missing: `label` reads it where the study names one, and a case without it stays, not observed.

    No member is cross-fitted, no outcome can be given away.
    """

    crossfits: ClassVar[bool] = False

    def __init__(self, name: str, *, label: Task | None, cases: int) -> None:
        self.name, self.label, self.cases = name, label, cases  # type: ignore[misc]

    def target(
        self,
        columns: Mapping[str, np.ndarray],
        *,
        info: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] = NO_OPTIONS,
    ) -> tuple[Target, dict[int, Refusal]]:
        """Return the label of all cases; none is refused for lacking it."""
        if self.label is None:
            empty = np.empty((self.cases, 0))
            return Target(empty, empty.astype(bool), {}), {}
        plain = {"transform": ["none"] * len(columns) if len(columns) > 1 else "none"}  # a label is given out as the table has it
        own = {**settings, **plain} if self.label.name == "regression" else settings
        target, unusable = self.label.target(columns, info=info, settings=own)
        observed = target.observed.copy()
        observed[list(unusable)] = False
        return replace(target, observed=observed), {}

    def stratum(self, target: Target) -> np.ndarray:
        """Return the label's, one more for cases without it."""
        if self.label is None:
            return np.zeros(len(target), np.int64)
        found = self.label.stratum(target)
        return np.where(target.observed.any(axis=1), found, found.min(initial=0) - 1)

    def width(self, info: Mapping[str, Any]) -> int:
        """Return 1: what the maker makes of it is its own."""
        return 1

    def facts(self, target: Target, rows: np.ndarray) -> Mapping[str, Any]:
        """Return the label's facts of the rows that have it."""
        if self.label is None:
            return {}
        return self.label.facts(target, rows[target.observed[rows].any(axis=1)])


def labelled(study: Study, table: Table, *, maker: Maker) -> tuple[Labelled, str]:
    """Return the label that `study` names, and how its kind was told; raises StudyError where the task wants one and there is none,
    or has none and there is one."""
    names = study.targets
    if maker.target == "needed" and not names:
        raise StudyError(f"the task '{maker.name}' needs a target: say with --target which column holds it")
    if maker.target == "none" and names:
        raise StudyError(f"the task '{maker.name}' takes no target; leave --target out, or put the column into an input")
    if not names or maker.target_is == "input":
        return Labelled(maker.name, label=None, cases=len(table)), ""
    kind, sentence = guess.task(names, table=table)
    if kind is None:
        raise StudyError(f"{sentence}; a label is one or more columns of classes, or of numbers: name other columns, or none")
    told = "classes" if kind == "classification" else "numbers"
    shown = ", ".join(f"'{name}'" for name in names)
    return Labelled(maker.name, label=registry.task(kind), cases=len(table)), f"The label {shown} is read as {told}."
