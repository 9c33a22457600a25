"""What is told of a model that makes or represents: sections of a report, numbers, and what of it a bundle keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from osler.core.figure import Figure
from osler.core.panel import Panel
from osler.core.state import State


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a page.

    `name` is its anchor and its key in scores.json, `title`, `text` and captions are keys of the language tables where these have
    them, else shown as they are. `drawings` are SVGs, `images` captions with the bytes of a PNG: in a report they show aggregates or
    what was made, never a case; on the page of cases they may show cases.
    """

    name: str
    title: str
    text: tuple[str, ...] = ()
    panels: tuple[Panel, ...] = ()
    figures: tuple[Figure, ...] = ()
    drawings: tuple[str, ...] = ()
    images: tuple[tuple[str, bytes], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what goes to scores.json: no picture."""
        return {
            "text": list(self.text),
            "panels": {panel.name: panel.to_dict() for panel in self.panels},
            "figures": {figure.name: figure.to_dict() for figure in self.figures},
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """How good what was trained is: `headline` answers in a sentence, `sections` hold measures with their intervals, baselines beside.

    `sections` go to report.html (aggregates, or what was made), `cases` to the page of single cases beside the bundle. `warnings` stand in
    the report's first lines, `notes` under its limits. `numbers` go to scores.json as they are, `state` into the bundle.
    """

    headline: str
    sections: tuple[Section, ...] = ()
    cases: tuple[Section, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
    state: State = field(default_factory=State)

    def joined(self, others: Sequence[Judgement]) -> Judgement:
        """Return this judgement with what `others` tell behind it; its headline stays."""
        found = self
        for other in others:
            found = replace(
                found,
                sections=found.sections + other.sections,
                cases=found.cases + other.cases,
                warnings=found.warnings + other.warnings,
                notes=found.notes + other.notes,
                numbers={**found.numbers, **other.numbers},
                state=State({**found.state.arrays, **other.state.arrays}, {**found.state.values, **other.state.values}),
            )
        return found
