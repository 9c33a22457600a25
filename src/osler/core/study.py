"""What the user asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osler.core.question import Flow, Question


@dataclass(frozen=True, slots=True)
class Input:
    """One column, or set of columns, of one modality.

    `options` belong to the modality (a reference genome, an index time); it says which it knows.
    """

    name: str
    modality: str
    columns: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Roles:
    """Columns of the table that are neither input nor target.

    `group` names what must not be split between training and test (the patient); without it each row is its own group.
    `split` holds an official division into training, validation and test. `time` orders the cases for a split by time. Each
    value of `leave_out` (a hospital, a country) is the test in turn.
    """

    id: str | None = None
    group: str | None = None
    split: str | None = None
    weight: str | None = None
    time: str | None = None
    subgroups: tuple[str, ...] = ()
    leave_out: str | None = None

    def columns(self) -> tuple[str, ...]:
        """Return the columns that hold a role and so are no input by default (subgroups may be inputs too)."""
        return tuple(c for c in (self.id, self.group, self.split, self.weight, self.time, self.leave_out) if c)


@dataclass(frozen=True, slots=True)
class Study:
    """A table, its inputs, a target, how to split, a budget.

    `budget` is minutes of training. `settings` are decisions set by the user, by their full names.
    `folds` above 0 asks for cross-validation, `repeats` times over; `refit` for a last training on all cases after scoring.
    `folder` is where relative paths in the table start; a path that leaves it is refused. `question` is what was asked of events or
    of times in columns, `flow` how many were left at each step where cases were derived from events.
    """

    table: Path
    folder: Path
    targets: tuple[str, ...]
    task: str
    inputs: tuple[Input, ...]
    roles: Roles = Roles()
    budget: float = 10.0
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    notes: tuple[str, ...] = ()
    leaks: str = "stop"  # or "drop" or "allow"
    language: str = "en"
    folds: int = 0
    repeats: int = 1
    refit: bool = False
    question: Question | None = None
    flow: Flow | None = None

    @property
    def resampled(self) -> bool:
        """Whether several trainings are scored, each on other cases, instead of one on one test."""
        return self.folds > 0 or self.roles.leave_out is not None
