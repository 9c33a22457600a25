"""Which items of TRIPOD+AI (Collins et al., BMJ 2024;385:e078378) a report of Osler fills, and which the authors must write.

The topics are said in our own words. "Filled" means that what the item asks of the analysis stands in the report, "part"
that some of it does; it is never a claim of compliance, which only the authors' whole text can be judged for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from osler.core.account import Account
from osler.spine.report.data import marked_labels, outcome, spread
from osler.spine.report.numerals import has_interval
from osler.spine.report.table import primary

State = Literal["filled", "part", "open"]
ITEMS = (
    *("1", "2", "3a", "3b", "3c", "4", "5a", "5b", "6a", "6b", "6c", "7", "8a", "8b", "8c", "9a", "9b", "9c", "10", "11"),
    *("12a", "12b", "12c", "12d", "12e", "12f", "12g", "13", "14", "15", "16", "17", "18a", "18b", "18c", "18d", "18e", "18f"),
    *("19", "20a", "20b", "20c", "21", "22", "23a", "23b", "24", "25", "26", "27a", "27b", "27c"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One item: `section` names the report's section that fills it, or is empty."""

    number: str
    state: State
    section: str = ""


def items(account: Account) -> tuple[Item, ...]:
    """Return every item with its state for this account."""
    states = {**_always(), **_asked(account), **_sometimes(account)}
    return tuple(Item(number, *states.get(number, ("open", ""))) for number in ITEMS)


def _always() -> dict[str, tuple[State, str]]:
    return {
        "7": ("filled", "plan"),
        "8a": ("part", "asked"),
        "9b": ("part", "inputs"),
        "11": ("part", "inputs"),
        "12a": ("filled", "data"),
        "12b": ("filled", "plan"),
        "12c": ("filled", "plan"),
        "12e": ("filled", "scores"),
        "12g": ("filled", "bundle"),
        "16": ("part", "data"),
        "18f": ("part", "versions"),
        "20a": ("part", "data"),
        "22": ("filled", "bundle"),
        "26": ("part", "limits"),
        "27a": ("part", "inputs"),
    }


def _asked(account: Account) -> dict[str, tuple[State, str]]:
    """Return what is asked fills: of masks the output; of a question of events eligibility, the outcome's time, how many were left at
    each step."""
    found: dict[str, tuple[State, str]] = {"15": ("part", "plan")} if marked_labels(account) else {}
    if account.study.question is not None:
        found["8a"] = ("filled" if account.study.question.horizon else "part", "question")
    if account.study.flow is not None:
        found |= {"6b": ("filled", "question"), "20a": ("filled", "question")}
    return found


def _sometimes(account: Account) -> dict[str, tuple[State, str]]:
    found: dict[str, tuple[State, str]] = {}
    name = primary(account)
    if name:
        found["23a"] = ("filled" if has_interval(account.scores.test[name]) else "part", "scores")
    if account.study.task == "classification":
        found["13"] = ("part", "data")
        found["15"] = ("filled", "scores")
    if outcome(account) or spread(account):
        found["21"] = ("filled" if account.tested else "part", "data")
    if any(facts for key, facts in account.facts.items() if key != "target"):
        found["20b"] = ("part", "inputs")
    if account.scores.origin.get("kind") == "recalibrated":
        found |= {"12f": ("filled", "warnings"), "24": ("filled", "scores")}
    if account.study.roles.leave_out:
        found |= {"12d": ("part", "data"), "23b": ("part", "scores")}
    if account.sample is not None:
        found["10"] = ("part", "sample")
    if account.drift is not None:
        found |= {"20c": ("filled", "drift"), "16": ("filled", "drift")}
    panels = [panel for panel in account.scores.panels if panel.name.startswith("subgroup.")]
    if panels:
        told = any(panel.rows for panel in panels)
        found["14"] = ("part", "subgroups")
        found["23b"] = ("filled" if told else "part", "subgroups")
    return found
