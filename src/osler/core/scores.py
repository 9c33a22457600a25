"""How good a model is, with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osler.core.panel import Panel


@dataclass(frozen=True, slots=True)
class Value:
    """A measure with its 95% interval; `low` and `high` are None where an interval would pretend (`note` says why)."""

    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what goes to scores.json; a value that does not exist is null."""
        row: dict[str, Any] = {"value": _finite(self.value), "low": _finite(self.low), "high": _finite(self.high)}
        return {**row, "note": self.note} if self.note else row


@dataclass(frozen=True, slots=True)
class Verdict:
    """The paired comparison of network and baseline on the same cases, by one measure.

    `difference` is network minus baseline, signed so that positive favours the network. `word` is better, worse or
    "no difference shown".
    """

    measure: str
    difference: Value
    word: str
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Return what goes to scores.json."""
        return {"measure": self.measure, "difference": self.difference.to_dict(), "word": self.word, "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class Scores:
    """Every measure of what the bundle predicts with, of the network and of the baseline, on the same test cases.

    `curves` holds aggregated figures for the report, by name (ROC, calibration, …): lists that JSON can hold.
    `counts` the numbers of cases and groups; `notes` what a reader must know before quoting. `panels` are further tables of
    what the bundle predicts with: operating points, conformal coverage, subgroups. `explanation` tells what moves predictions
    on the whole. `origin` tells where the scores come from: "kind" is test, folds, sites, external or recalibrated; the rest
    depends on it (JSON values). `inputs` tells what each of several inputs adds.
    """

    test: Mapping[str, Value]
    network: Mapping[str, Value]
    baseline: Mapping[str, Value]
    verdict: Verdict | None
    counts: Mapping[str, int]
    curves: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    panels: tuple[Panel, ...] = ()
    explanation: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of scores.json."""
        parts = {"test": self.test, "network": self.network, "baseline": self.baseline}
        measures = {part: {name: v.to_dict() for name, v in values.items()} for part, values in parts.items()}
        verdict = self.verdict.to_dict() if self.verdict else None
        return {
            **measures,
            "verdict": verdict,
            "counts": dict(self.counts),
            "curves": dict(self.curves),
            "notes": list(self.notes),
            "panels": {panel.name: panel.to_dict() for panel in self.panels},
            **({"explanation": dict(self.explanation)} if self.explanation else {}),
            **({"inputs": dict(self.inputs)} if self.inputs else {}),
            "origin": dict(self.origin),
        }


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)
