"""The clinical question: of whom it is asked, when, looking at what, and what is to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from osler.core.duration import SECOND, UNITS

# columns of a table of cases that was derived from events
SUBJECT, INDEX, PREDICTION, CENSORED, SPLIT = "subject", "index", "prediction", "censored", "split"
TAKEN = (SUBJECT, INDEX, PREDICTION, CENSORED, SPLIT)

Which = Literal["first", "last", "every"]
Take = Literal["first", "last", "max", "min", "mean"]
Purpose = Literal[
    "train", "score", "predict"
]  # what cases are derived for: with a check of the question, with outcomes, with neither

# Why a case has no outcome, by the code that its row carries in the column CENSORED.
REASONS: Mapping[str, str] = {
    "censored": "follow-up ends before the horizon, without the outcome: whether it came is not known",
    "died": "death before the horizon's end, without the outcome: whether it would have come is not known",
    "unmeasured": "the value was not measured between gap and horizon",
}


def written(span: int) -> str:
    """Return a span of microseconds as `duration` reads it, in the largest unit that it has a whole number of; days from three on.

    >>> written(24 * UNITS["h"]), written(30 * UNITS["d"]), written(2 * UNITS["y"]), written(0)
    ('24h', '30d', '2y', '0h')
    """
    for unit, least in (("y", 1), ("d", 3), ("h", 0), ("min", 1), ("s", 1)):
        if span % UNITS[unit] == 0 and span >= least * UNITS[unit]:
            return f"{span // UNITS[unit]}{unit}"
    return f"{span / SECOND:.6f}s"


@dataclass(frozen=True, slots=True)
class Moment:
    """The index time: an event with one of the codes `event` (patterns), or the time in the column `column`.

    `which` of a subject's index events make cases; with a `step` above 0 (microseconds) there is a case at the event and again each
    step after it.
    """

    event: tuple[str, ...] = ()
    column: str | None = None
    which: Which = "first"
    step: int = 0


@dataclass(frozen=True, slots=True)
class Goal:
    """What is predicted, called `name`: whether an event with one of the codes `event` comes; of values with the codes `value`
    whether one lies `above` or `below` a limit, or the one that `take` names; or the column `column`.

    `death` tells what a death before the horizon's end means where it is not the outcome: "censored" or "no".
    """

    name: str
    event: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    above: float | None = None
    below: float | None = None
    take: Take | None = None
    column: str | None = None
    death: Literal["censored", "no"] = "censored"

    @property
    def codes(self) -> tuple[str, ...]:
        """The patterns of the codes that the outcome is read from."""
        return self.event or self.value


@dataclass(frozen=True, slots=True)
class Eligible:
    """Who is asked of, as known at the prediction time: `history` microseconds of events before it, an `age` in completed years
    (both ends count, None: open), an event with one of the codes `event`, none with the codes `without`."""

    history: int = 0
    age: tuple[float | None, float | None] | None = None
    event: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Until when a subject is seen: its last event, or the first event with one of the codes `event` after the index; or, where
    `known` is above 0, so many microseconds after the index though nothing need be recorded."""

    event: tuple[str, ...] = ()
    known: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """A prediction is made `after` the index from what the `window` before it holds, of what comes in the `horizon` after a `gap`.

    All spans are microseconds. With p = index + after: looked at are events in [p - window, p] (None: all up to p); the outcome counts
    in (p + gap, p + gap + horizon]; a target event in [p - washout, p] makes no case (0: not asked).
    """

    index: Moment
    target: Goal
    after: int = 0
    window: int | None = None
    gap: int = 0
    horizon: int | None = None
    eligible: Eligible = Eligible()
    washout: int = 0
    followup: FollowUp = FollowUp()

    @property
    def derived(self) -> bool:
        """Whether cases and outcome come from events, rather than from columns of a table."""
        return bool(self.target.codes)

    @property
    def names_death(self) -> bool:
        """Whether a code of the target is that of death."""
        return any(code.split("//")[0].rstrip("*") == "death" for code in self.target.event)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Question:
        """Return the question that `to_dict` told; raises KeyError or TypeError where `told` is something else."""
        index, target, eligible, followup = (dict(told[name]) for name in ("index", "target", "eligible", "followup"))
        age = eligible.pop("age")
        return cls(
            index=Moment(**_listed(index)), target=Goal(**_listed(target)),
            eligible=Eligible(**_listed(eligible), age=None if age is None else (age[0], age[1])),
            followup=FollowUp(**_listed(followup)),
            **{name: told[name] for name in ("after", "window", "gap", "horizon", "washout")},
        )  # fmt: skip


def _listed(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}


@dataclass(frozen=True, slots=True)
class Flow:
    """How many were left at each step from all subjects to the cases: `steps` as (name, number), in their order: subjects, index
    (moments at which a prediction may be asked), seen, eligible, washout, followed.

    `unknown` counts the cases without an outcome by code (of REASONS), `outcome` those that have it (None of a number), `gap` the
    cases with a target event in the gap.
    """

    steps: tuple[tuple[str, int], ...]
    unknown: Mapping[str, int] = field(default_factory=dict)
    outcome: int | None = None
    gap: int = 0

    @property
    def cases(self) -> int:
        """How many cases have a known outcome, or are to be predicted."""
        return self.steps[-1][1]

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Flow:
        """Return the flow that `to_dict` told."""
        return cls(tuple((str(n), int(k)) for n, k in told["steps"]), dict(told["unknown"]), told["outcome"], int(told["gap"]))


@dataclass(frozen=True, slots=True)
class Cohort:
    """Cases that were derived from events: the Arrow IPC `file` with one row per case, and the `flow` that led to them.

    Columns: SUBJECT (text), INDEX and PREDICTION (times), the target by its name (null where it is not known) and CENSORED (a code
    of REASONS, null otherwise) unless the cases are to be predicted, SPLIT where the source tells one.
    """

    file: Path
    flow: Flow
