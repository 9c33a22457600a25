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
from osler.core.target import Target, target_labels

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

    def drift(
        self,
        *,
        before: Mapping[str, Any],
        now: Mapping[str, Any],
        cases: int,
        target: Target | None = None,
        groups: np.ndarray | None = None,
    ) -> Drift:
        """Return the drift of every input and of the outcome: `before` and `now` are the task's facts of both; `target` and
        `groups` (n,) are those of the new cases, where these come in groups."""
        inputs = {
            name: self.modalities[name].drift(sums, facts=self.facts[name], state=self.states[name])
            for name, sums in self.counted.items()
            if sums
        }
        return Drift(inputs, outcome_shifts(before, now, target=target, groups=groups), cases)


@dataclass(frozen=True, slots=True)
class Sure:
    """How sure a mean or share of the new cases is, whose cases come in groups: `effect` is its variance over that of as many
    cases without groups (Kish 1965), `quantile` that of Student's distribution with as many groups."""

    effect: float = 1.0
    quantile: float = Z


def _sure(values: np.ndarray, groups: np.ndarray | None) -> Sure:
    """Return how sure the mean of `values` (n,) is; the variance between groups is that of their totals around it."""
    if groups is None or len(values) < 2:
        return Sure()
    code = np.unique(groups, return_inverse=True)[1].reshape(-1)
    size = int(code.max()) + 1
    away = values - values.mean()
    plain = float(away @ away)
    if size < 2 or size == len(values) or plain <= 0:
        return Sure(quantile=Z if size == len(values) else _student(size))
    between = np.bincount(code, weights=away, minlength=size)
    return Sure(max(1.0, size / (size - 1) * float(between @ between) / plain), _student(size))


def _student(groups: int) -> float:
    return float(stdtrit(max(1, groups - 1), 0.975))


def outcome_shifts(
    before: Mapping[str, Any], now: Mapping[str, Any], *, target: Target | None = None, groups: np.ndarray | None = None
) -> tuple[OutcomeShift, ...]:
    """Return the share of each class (of two, of the outcome only), or the mean of each number, in both sets of cases.

    Intervals are Wilson's (1927) and Student's, for as many cases as the groups are worth; training cases are taken to hang
    together in groups as the new ones do. Classes that fewer than 5 cases have in either are left out.
    """
    found: list[OutcomeShift] = []
    names = before.get("names") or ()
    columns: list[Column] = [(np.empty(0), None)] * len(names)
    if target is not None and groups is not None:
        columns = [(target.values[seen, at], groups[seen]) for at, seen in enumerate(target.observed.T)]
    if before.get("counts") and now.get("counts"):
        for at, name in enumerate(names):
            found += _classes(str(name), before, now, at, column=columns[at])
    elif before.get("scale") and now.get("scale"):
        parts = (_mean(name, before, now, at, column=columns[at]) for at, name in enumerate(target_labels(before)))
        found += [p for p in parts if p]
    return tuple(found[:MOST])


Column = tuple[np.ndarray, np.ndarray | None]  # observed values and their groups


def _classes(name: str, before: Mapping[str, Any], now: Mapping[str, Any], at: int, *, column: Column) -> list[OutcomeShift]:
    texts = [str(t) for t in before["classes"][at]]
    old, new = before["counts"][at], now["counts"][at]
    if not sum(old) or not sum(new):
        return []
    positive = before.get("positive")
    chosen = positive if isinstance(positive, str) or positive is None else positive[at]
    two = len(texts) == 2 and chosen is not None
    wanted = [texts.index(str(chosen))] if two else range(len(texts))
    told = [k for k in wanted if len(texts) == 2 or min(old[k], new[k]) >= FEWEST]
    values, groups = column
    sure = {k: _sure((values == (1 if two else k)).astype(float), groups) for k in told}
    return [_share(name, texts[k], (old[k], sum(old)), (new[k], sum(new)), sure=sure[k]) for k in told]


def _share(name: str, label: str, old: tuple[float, float], new: tuple[float, float], *, sure: Sure) -> OutcomeShift:
    before, now = old[0] / old[1], new[0] / new[1]
    both = (old[0] + new[0]) / (old[1] + new[1])
    error = math.sqrt(sure.effect * both * (1 - both) * (1 / old[1] + 1 / new[1]))
    ends = _wilson(new[0] / sure.effect, new[1] / sure.effect, quantile=sure.quantile)
    return OutcomeShift(name, label, before, now, *ends, clear=abs(now - before) > sure.quantile * error)


def _wilson(part: float, whole: float, *, quantile: float) -> tuple[float, float]:
    share, square = part / whole, quantile**2
    middle = (share + square / (2 * whole)) / (1 + square / whole)
    half = quantile / (1 + square / whole) * math.sqrt(share * (1 - share) / whole + square / (4 * whole * whole))
    return max(0.0, middle - half), min(1.0, middle + half)


def _mean(name: str, before: Mapping[str, Any], now: Mapping[str, Any], at: int, *, column: Column) -> OutcomeShift | None:
    cases = int(now["cases"][at])
    if cases < FEWEST:
        return None
    mean, spread, first = now["mean"][at], now["scale"][at], before["mean"][at]
    sure = _sure(*column)
    quantile = sure.quantile if column[1] is not None else _student(cases)
    half = quantile * spread * math.sqrt(sure.effect / cases)
    error = math.sqrt(sure.effect * (spread**2 / cases + before["scale"][at] ** 2 / max(1, before["cases"][at])))
    return OutcomeShift(name, "", first, mean, mean - half, mean + half, clear=abs(mean - first) > sure.quantile * error)
