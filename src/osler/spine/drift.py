"""Step: how do new cases differ from the training cases? Sums are added up block by block, the comparison is made once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import stdtrit

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.drift import Drift, OutcomeShift
from osler.core.state import State

Z = 1.959963984540054
FEWEST = 5  # cases of a class before its share is told
MOST = 50  # classes and targets that are told


@dataclass(slots=True)
class Sums:
    """What is counted so far, by input; `facts` and `states` are those of the training cases."""

    modalities: Mapping[str, Modality]
    facts: Mapping[str, Mapping[str, Any]]
    states: Mapping[str, State]
    counted: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def add(self, columns: Mapping[str, Columns], rows: np.ndarray) -> None:
        """Count the cases `rows` of one block, absent inputs left out."""
        for name, modality in self.modalities.items():
            here = rows[columns[name].present[rows]]
            found = modality.drift_sums(columns[name], here, facts=self.facts[name], state=self.states[name])
            known = self.counted.setdefault(name, {})
            for key, value in found.items():
                known[key] = known[key] + value if key in known else value

    def drift(self, *, before: Mapping[str, Any], now: Mapping[str, Any], cases: int) -> Drift:
        """Return the drift of every input and of the outcome (`before` and `now` are the task's facts of both)."""
        inputs = {
            name: self.modalities[name].drift(sums, facts=self.facts[name], state=self.states[name])
            for name, sums in self.counted.items()
            if sums
        }
        return Drift(inputs, outcome_shifts(before, now), cases)


def outcome_shifts(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[OutcomeShift, ...]:
    """Return the share of each class (of two, of the outcome only), or the mean of each number, in both sets of cases.

    Intervals are Wilson's (1927) and Student's. Classes that fewer than 5 cases have in either are left out.
    """
    found: list[OutcomeShift] = []
    names = before.get("names") or ()
    if before.get("counts") and now.get("counts"):
        for at, name in enumerate(names):
            found += _classes(str(name), before, now, at)
    elif before.get("scale") and now.get("scale"):
        parts = (_mean(str(name), before, now, at) for at, name in enumerate(names))
        found += [p for p in parts if p]
    return tuple(found[:MOST])


def _classes(name: str, before: Mapping[str, Any], now: Mapping[str, Any], at: int) -> list[OutcomeShift]:
    texts = [str(t) for t in before["classes"][at]]
    old, new = before["counts"][at], now["counts"][at]
    if not sum(old) or not sum(new):
        return []
    positive = before.get("positive")
    chosen = positive if isinstance(positive, str) or positive is None else positive[at]
    wanted = [texts.index(str(chosen))] if len(texts) == 2 and chosen is not None else range(len(texts))
    told = [k for k in wanted if len(texts) == 2 or min(old[k], new[k]) >= FEWEST]
    return [_share(name, texts[k], (old[k], sum(old)), (new[k], sum(new))) for k in told]


def _share(name: str, label: str, old: tuple[float, float], new: tuple[float, float]) -> OutcomeShift:
    before, now = old[0] / old[1], new[0] / new[1]
    both = (old[0] + new[0]) / (old[1] + new[1])
    error = math.sqrt(both * (1 - both) * (1 / old[1] + 1 / new[1]))
    return OutcomeShift(name, label, before, now, *_wilson(*new), clear=abs(now - before) > Z * error)


def _wilson(part: float, whole: float) -> tuple[float, float]:
    share, square = part / whole, Z * Z
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    half = Z / (1 + square / whole) * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    return max(0.0, middle - half), min(1.0, middle + half)


def _mean(name: str, before: Mapping[str, Any], now: Mapping[str, Any], at: int) -> OutcomeShift | None:
    cases = int(now["cases"][at])
    if cases < FEWEST:
        return None
    mean, spread, first = now["mean"][at], now["scale"][at], before["mean"][at]
    half = float(stdtrit(cases - 1, 0.975)) * spread / math.sqrt(cases)
    error = math.hypot(spread / math.sqrt(cases), before["scale"][at] / math.sqrt(max(1, before["cases"][at])))
    return OutcomeShift(name, "", first, mean, mean - half, mean + half, clear=abs(mean - first) > Z * error)
