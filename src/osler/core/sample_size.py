"""Whether there were enough cases, to develop a model and to judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Need:
    """Cases that there were, `events` among them (the rarer outcome; None of a number), and by criterion how many are asked for,
    None where that cannot be said."""

    cases: int
    events: int | None
    asked: Mapping[str, int | None]

    @property
    def most(self) -> int | None:
        """The cases that meet every criterion that could be said, None where none could."""
        return max((n for n in self.asked.values() if n is not None), default=None)

    @property
    def enough(self) -> bool | None:
        """Whether there were so many; None where nothing could be said."""
        return None if self.most is None else self.cases >= self.most

    def to_dict(self) -> dict[str, Any]:
        """Return what goes to scores.json."""
        return {"cases": self.cases, "events": self.events, "asked": dict(self.asked), "enough": self.enough}


@dataclass(frozen=True, slots=True)
class SampleSize:
    """The judgement on one outcome, called `outcome`: of several, the one with the fewest events or the poorest R².

    `parameters` counts what a regression of the inputs would estimate, None where that has no meaning (an image). `measure` and
    `value` are what the model reached on the test cases, `explained` the (Cox–Snell) R² that follows, and `shrinkage` what
    predictions of a regression on so many cases would shrink to. `development` is None where nothing was trained here.
    """

    outcome: str
    parameters: int | None
    measure: str
    value: float | None
    explained: float | None
    shrinkage: float | None
    development: Need | None
    test: Need

    def to_dict(self) -> dict[str, Any]:
        """Return what goes to scores.json."""
        plain = {name: getattr(self, name) for name in ("outcome", "parameters", "measure", "value", "explained", "shrinkage")}
        development = self.development.to_dict() if self.development else None
        return {**plain, "development": development, "test": self.test.to_dict()}
