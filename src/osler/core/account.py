"""Everything that a report tells of one training or one evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osler.core.drift import Drift
from osler.core.leak import Leak
from osler.core.plan import Plan
from osler.core.sample_size import SampleSize
from osler.core.scores import Scores
from osler.core.study import Study


@dataclass(frozen=True, slots=True)
class Account:
    """The content of report.html and card.md: aggregates only, no case.

    `facts` by input name (and "target"), as modalities and tasks measured them. `target` is the target's info. `split`
    tells in a sentence where the split came from, `counts` the cases per part (training, tune, calibrate, test, refused,
    groups). `tested` are the task's facts of the cases that the scores rest on. `refused` counts refusals by "code: sentence". `members` are sentences on each trained model with its weight in
    the blend. `sample` judges how many cases there were, `drift` how new data
    differ from the training cases. `sketches` are SVGs by input name of what training does to its cases, drawn on no case of
    anybody. `versions` of packages. `timing` seconds by step.
    """

    study: Study
    plan: Plan
    scores: Scores
    target: Mapping[str, Any]
    facts: Mapping[str, Mapping[str, Any]]
    split: str
    counts: Mapping[str, int]
    refused: Mapping[str, int]
    leaks: Sequence[Leak] = ()
    members: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)
    sample: SampleSize | None = None
    drift: Drift | None = None
    tested: Mapping[str, Any] = field(default_factory=dict)
    sketches: Mapping[str, str] = field(default_factory=dict)

    def numbers(self) -> dict[str, Any]:
        """Return the content of scores.json."""
        told = {"sample_size": self.sample, "drift": self.drift}
        scores = self.scores.to_dict()
        patterns = scores.get("explanation", {}).get("recurring", ())
        if patterns:  # numbers alone: a drawing is the report's
            bare = [{key: value for key, value in one.items() if key != "svg"} for one in patterns]
            scores["explanation"] = {**scores["explanation"], "recurring": bare}
        return {**scores, **{name: part.to_dict() for name, part in told.items() if part is not None}}
