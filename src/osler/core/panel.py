"""A table of measures beside the main ones: a row per operating point, subgroup, level of confidence or site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osler.core.scores import Value


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its `label`, the `cases` it rests on, its measures, and what else is known `about` it (a threshold, how it
    was chosen): JSON values, aggregates only."""

    label: str
    cases: int
    values: Mapping[str, Value]
    about: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return what goes to scores.json."""
        values = {name: value.to_dict() for name, value in self.values.items()}
        return {"label": self.label, "cases": self.cases, "values": values, "about": dict(self.about)}


@dataclass(frozen=True, slots=True)
class Panel:
    """`name` is its key in scores.json and in the language tables; `notes` are sentences that a reader must know."""

    name: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what goes to scores.json."""
        return {"rows": [row.to_dict() for row in self.rows], "notes": list(self.notes)}
