"""What was measured of the inputs' training rows, as tables.

Facts of tables hold lists per kind of column: `numbers` with `names`, `missing` (shares), `quantiles` (5, 25, 50, 75, 95 %),
`mean`, `sd`; `categories` with `names`, `missing`, `words` (how many different), `rare` (share of cases in those of fewer than
5). Single facts of any modality are shown under their own name. Smallest and largest values never are: each is one person's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osler.core.account import Account
from osler.core.study import Input
from osler.language import Words
from osler.spine.report.numerals import count, number, places, plain, share

MOST_COLUMNS = 1000  # more make a page that no one reads; the bundle's facts have them all
OPEN_UP_TO = 12
SAID = frozenset({"columns", "cases"})  # in the headings already
EXTREMES = frozenset({"min", "max", "minimum", "maximum", "low", "high", "first", "last", "range"})
KINDS = {"numbers": "number", "categories": "category"}


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """One column: its kind, the share of missing values, and what is typical of it; empty where not measured."""

    name: str
    kind: str
    missing: str
    typical: str


@dataclass(frozen=True, slots=True)
class InputTable:
    """One input: its columns, how many there are in all, and single facts (name, value)."""

    name: str
    modality: str
    total: int
    columns: tuple[ColumnLine, ...]
    facts: tuple[tuple[str, str], ...]
    opened: bool


def inputs(account: Account, words: Words) -> tuple[InputTable, ...]:
    """Return a table for each input of the study."""
    return tuple(_input(i, account.facts.get(i.name, {}), words) for i in account.study.inputs)


def _input(one: Input, facts: Mapping[str, Any], words: Words) -> InputTable:
    found = _columns(facts)
    shown: Mapping[str, Mapping[str, Any]] = found or {column: {} for column in one.columns}
    lines = tuple(_line(column, shown[column], words) for column in list(shown)[:MOST_COLUMNS])
    return InputTable(
        name=one.name,
        modality=words.get(f"modality.{one.modality}", one.modality),
        total=len(shown),
        columns=lines,
        facts=tuple((words.get(f"fact.{k}") or words[str(k)], plain(v)) for k, v in facts.items() if _simple(k, v)),
        opened=len(lines) <= OPEN_UP_TO,
    )


def _columns(facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the facts of each column, turned from lists per kind of column (`numbers`, `categories`) to one entry each."""
    found: dict[str, dict[str, Any]] = {}
    for part, kind in KINDS.items():
        lists = facts.get(part)
        if not isinstance(lists, Mapping):
            continue
        names = [str(n) for n in lists.get("names") or ()]
        told = {k: v for k, v in lists.items() if isinstance(v, Sequence) and len(v) == len(names)}
        for at, name in enumerate(names):
            found[name] = {"kind": kind, **{k: v[at] for k, v in told.items()}}
    return found


def _line(name: str, facts: Mapping[str, Any], words: Words) -> ColumnLine:
    kind = str(facts.get("kind", ""))
    known = words.get(f"kind.{kind}", kind)
    missing = facts.get("missing")
    return ColumnLine(name, known, share(missing) if _number(missing) else "", _typical(facts, words))


def _typical(facts: Mapping[str, Any], words: Words) -> str:
    quantiles = facts.get("quantiles")
    if isinstance(quantiles, Sequence) and len(quantiles) == 5 and all(_number(q) for q in quantiles):
        shown = [float(quantiles[at]) for at in (0, 2, 4)]
        decimals = 0 if all(v.is_integer() for v in shown) else places(*shown)
        low, middle, high = (number(v, decimals=decimals) for v in shown)
        return words.say("typical.wide", low=low, middle=middle, high=high)
    if _number(facts.get("mean")) and _number(facts.get("sd")):
        return words.say("typical.mean", mean=number(facts["mean"]), sd=number(facts["sd"]))
    if _number(facts.get("words")):
        rare = facts.get("rare")
        told = words.say("typical.words", n=count(facts["words"]))
        return words.say("typical.rare", told=told, share=share(rare)) if _number(rare) and rare else told
    return ""


def _simple(name: Any, value: Any) -> bool:
    return str(name).casefold() not in EXTREMES | SAID and isinstance(value, (str, int, float, bool))


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
