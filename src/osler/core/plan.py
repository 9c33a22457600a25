"""Decisions, the plan that freezes them, and what the rules see."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from osler.core.errors import PlanError, did_you_mean

Source = Literal["rule", "measured", "user", "headers"]
PLAN_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that Osler chose.

    `name` is dotted; an input's decisions start with `inputs.<name>.`. `value` is what JSON can hold. `reason` is a
    sentence for the user. `choices` lists the values that it may take (a list: what
    it may hold), or is empty where any of its type may be set.
    """

    name: str
    value: Any
    reason: str
    source: Source = "rule"
    choices: tuple[Any, ...] = ()

    def under(self, prefix: str) -> Decision:
        """Return the same decision with `prefix.` before its name."""
        return replace(self, name=f"{prefix}.{self.name}")


@dataclass(frozen=True, slots=True)
class Rung:
    """One size on the ladder that the rules return: decisions that go together, from small to large."""

    name: str
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Brief:
    """What the rules see, and all that they see: facts and circumstances, no data and no names of data sets.

    `facts` of this input, `target` facts from the task, `task` name, `output` "vector" or "map", `device` "cpu" or
    "cuda", `budget` minutes, `private` whether training is to be differentially private, `cases` and `groups` in training,
    `settings` what the user set for this input.
    """

    facts: Mapping[str, Any]
    target: Mapping[str, Any]
    task: str
    output: Literal["vector", "map"]
    device: str
    budget: float
    cases: int
    groups: int
    private: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


class Plan(Mapping[str, Any]):
    """All decisions of a study, frozen; reads as a mapping from name to value.

    >>> plan = Plan([Decision("fit.epochs", 20, "small data")])
    >>> plan["fit.epochs"], plan.part("fit")["epochs"]
    (20, 20)
    """

    def __init__(self, decisions: Iterable[Decision]) -> None:
        self._decisions = {d.name: d for d in decisions}

    def __getitem__(self, name: str) -> Any:
        if name not in self._decisions:
            raise PlanError(f"no decision '{name}'{did_you_mean(name, self._decisions)}")
        return self._decisions[name].value

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of `name`, or `default` where there is no such decision."""
        return self._decisions[name].value if name in self._decisions else default

    def __contains__(self, name: object) -> bool:
        return name in self._decisions

    def __iter__(self) -> Iterator[str]:
        return iter(self._decisions)

    def __len__(self) -> int:
        return len(self._decisions)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All decisions in the order in which they were made."""
        return tuple(self._decisions.values())

    def part(self, prefix: str) -> Plan:
        """Return the decisions under `prefix.`, without it."""
        start = f"{prefix}."
        return Plan(replace(d, name=d.name[len(start) :]) for d in self.decisions if d.name.startswith(start))

    def with_decisions(self, decisions: Iterable[Decision]) -> Plan:
        """Return a plan in which `decisions` are added or replace those of the same name."""
        return Plan([*({**self._decisions, **{d.name: d for d in decisions}}.values())])

    def set_by_user(self, settings: Mapping[str, Any]) -> Plan:
        """Return the plan with the user's values; raises PlanError for unknown names and impossible values."""
        changed, faults = [], []
        for name, value in settings.items():
            if name not in self._decisions:
                faults.append(f"no decision '{name}'{did_you_mean(name, self._decisions)}")
                continue
            fault = _fault(self._decisions[name], value)
            if fault:
                faults.append(fault)
                continue
            changed.append(replace(self._decisions[name], value=value, reason="set by the user", source="user"))
        if faults:
            raise PlanError("\n".join(faults))
        return self.with_decisions(changed)

    def to_json(self) -> str:
        """Return the plan as JSON that a person can read, edit and give back."""
        rows = [{k: v for k, v in asdict(d).items() if k != "choices" or v} for d in self.decisions]
        return json.dumps({"format": PLAN_FORMAT, "decisions": rows}, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan; raises PlanError where it is none, or a newer one."""
        try:
            raw = json.loads(text)
            if raw["format"] > PLAN_FORMAT:
                raise PlanError(f"the plan has format {raw['format']}; this Osler reads up to {PLAN_FORMAT}: update Osler")
            return cls(Decision(**{**row, "choices": tuple(row.get("choices", ()))}) for row in raw["decisions"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PlanError(
                f"the plan cannot be read ({type(error).__name__}); 'osler inspect TABLE --out plan.json' writes a fresh one"
            ) from None


def _fault(decision: Decision, value: Any) -> str | None:
    if decision.choices and isinstance(decision.value, list) and isinstance(value, list):
        strange = [one for one in value if one not in decision.choices]
        if strange:
            return f"'{decision.name}' cannot hold {strange[0]!r}; it holds some of: " + ", ".join(
                repr(c) for c in decision.choices
            )
    elif decision.choices and value not in decision.choices:
        return f"'{decision.name}' cannot be {value!r}; it is one of: " + ", ".join(repr(c) for c in decision.choices)
    number = isinstance(decision.value, (int, float)) and not isinstance(decision.value, bool)
    wanted = (int, float) if number else type(decision.value)
    if (
        number
        and isinstance(value, float)
        and not (math.isfinite(value) and (value % 1 == 0 or isinstance(decision.value, float)))
    ):
        return (
            f"'{decision.name}' cannot be {value!r}; wanted a {'whole' if isinstance(decision.value, int) else 'finite'} number"
        )
    if decision.value is not None and (not isinstance(value, wanted) or (number and isinstance(value, bool))):
        return f"'{decision.name}' cannot be {value!r}; wanted a value like {decision.value!r}"
    return None
