"""The plan as the report shows it: decisions in groups, each with its reason and its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osler.core.plan import Decision, Plan
from osler.language import Words
from osler.spine.report.numerals import plain

LONGEST = 120  # letters of a value; the plan's own file has the whole, and counts by reason are told in full


@dataclass(frozen=True, slots=True)
class Line:
    """One decision, its value in one line."""

    name: str
    value: str
    reason: str
    source: str


def grouped(plan: Plan, words: Words) -> dict[str, list[Line]]:
    """Return the decisions by the first part of their name, inputs by their own name too."""
    groups: dict[str, list[Line]] = {}
    for decision in plan.decisions:
        head, tail = _cut(decision.name)
        groups.setdefault(head, []).append(_line(decision, tail, words))
    return groups


def set_by_user(plan: Plan, words: Words) -> list[Line]:
    """Return what the user set."""
    return [_line(d, d.name, words) for d in plan.decisions if d.source == "user"]


def _cut(name: str) -> tuple[str, str]:
    parts = name.split(".")
    depth = min(2 if parts[0] == "inputs" else 1, len(parts) - 1)
    return (".".join(parts[:depth]) or parts[0]), ".".join(parts[depth:])


def _line(decision: Decision, name: str, words: Words) -> Line:
    reasons = isinstance(decision.value, Mapping) and all(" " in str(key) and key in words for key in decision.value)
    value = plain({words[key]: held for key, held in decision.value.items()} if reasons else decision.value)
    short = value if reasons or len(value) <= LONGEST else value[: LONGEST - 1] + "…"
    return Line(name, short, words[decision.reason], words.get(f"source.{decision.source}", str(decision.source)))
