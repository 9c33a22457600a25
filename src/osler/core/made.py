"""Everything that a report tells of one training that makes or represents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osler.core.judgement import Judgement
from osler.core.leak import Leak
from osler.core.plan import Plan
from osler.core.study import Study


@dataclass(frozen=True, slots=True)
class MadeAccount:
    """The content of report.html and card.md: aggregates only, no case.

    `facts` by input name (and "target", the label). `info` is the label's. `split` tells in a sentence where the split came from, `counts`
    the cases per part (training, tune, test, refused, groups). `refused` counts refusals by "code: sentence". `versions` of
    packages. `timing` seconds by step.
    """

    study: Study
    plan: Plan
    judgement: Judgement
    facts: Mapping[str, Mapping[str, Any]]
    info: Mapping[str, Any]
    split: str
    counts: Mapping[str, int]
    refused: Mapping[str, int]
    leaks: Sequence[Leak] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)

    def numbers(self) -> dict[str, Any]:
        """Return the content of scores.json."""
        judgement = self.judgement
        return {
            "task": self.study.task,
            "headline": judgement.headline,
            "sections": {section.name: section.to_dict() for section in judgement.sections},
            "numbers": dict(judgement.numbers),
            "notes": [*judgement.warnings, *judgement.notes],
            "counts": dict(self.counts),
            "origin": {"kind": "test"},
        }
