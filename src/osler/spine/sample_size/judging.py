"""From what was measured to a judgement."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osler.core.sample_size import Need, SampleSize
from osler.core.scores import Value
from osler.spine.sample_size import develop, validate

LEAST_AREA, LARGEST_AREA = 0.51, 0.999  # beyond which nothing can be derived from it
LEAST_EXPLAINED, LARGEST_EXPLAINED = 0.005, 0.995


@dataclass(frozen=True, slots=True)
class _Two:
    """A two-valued outcome: how many cases have it among how many."""

    name: str
    measure: str
    events: int
    cases: int


def judged(
    *, before: Mapping[str, Any] | None, now: Mapping[str, Any], values: Mapping[str, Value], parameters: int | None
) -> SampleSize | None:
    """Return the judgement, None for an outcome that no formula is for.

    `before` and `now` are a task's facts of the training and of the test cases (None where nothing was trained), `values` the
    measures on the test cases, `parameters` what a regression of the inputs would estimate.
    """
    if now.get("counts"):
        return _of_classes(before, now, values, parameters)
    return _of_numbers(before, now, values, parameters) if now.get("scale") else None


def _of_classes(
    before: Mapping[str, Any] | None, now: Mapping[str, Any], values: Mapping[str, Value], parameters: int | None
) -> SampleSize | None:
    tested = _two_valued(now)
    trained: dict[str, _Two] = {t.name: t for t in _two_valued(before)} if before else {}
    known = [t for t in tested if t.cases]
    if not known:
        return None
    rarest = min(known, key=lambda t: _events_of(trained.get(t.name) or t))
    area = _within(values.get(rarest.measure), LEAST_AREA, LARGEST_AREA)
    test = _test_of_classes(rarest, area)
    grown = trained.get(rarest.name)
    if grown is None or not 0 < grown.events < grown.cases:
        return SampleSize(rarest.name, parameters, "auroc", area, None, None, None, test)
    share = grown.events / grown.cases
    explained = validate.explained_by(area, share=share) if area else None
    asked: dict[str, int | None] = {"risk": develop.for_risk(share)}
    shrinkage = None
    if parameters and explained:
        asked["shrinkage"] = develop.for_shrinkage(parameters, explained)
        asked["optimism"] = develop.for_optimism(parameters, explained, share=share)
        shrinkage = develop.expected_shrinkage(grown.cases, parameters, explained)
    need = Need(grown.cases, _events_of(grown), asked)
    return SampleSize(rarest.name, parameters, "auroc", area, explained, shrinkage, need, test)


def _events_of(one: _Two) -> int:
    return min(one.events, one.cases - one.events)


def _test_of_classes(tested: _Two, area: float | None) -> Need:
    events = _events_of(tested)
    if not events:
        return Need(tested.cases, events, {})
    share = tested.events / tested.cases
    asked: dict[str, int | None] = {"ratio": validate.for_ratio(share)}
    if area:
        asked["area"] = validate.for_area(area, share=share)
        asked["slope"] = validate.for_slope(validate.predictor_of(area, share=share))
    return Need(tested.cases, events, asked)


def _two_valued(facts: Mapping[str, Any]) -> list[_Two]:
    """Return each two-valued outcome; of more than two classes the rarest against the others."""
    names, classes, counts = facts["names"], facts["classes"], facts["counts"]
    several = len(names) > 1
    return [
        _Two(str(name), f"auroc_{_key(name, names)}" if several else "auroc", _events(facts, at, sizes, texts), int(sum(sizes)))
        for at, (name, texts, sizes) in enumerate(zip(names, classes, counts, strict=True))
    ]


def _events(facts: Mapping[str, Any], at: int, sizes: Sequence[int], texts: Sequence[str]) -> int:
    if len(sizes) > 2:
        return int(min(sizes))
    positive = facts.get("positive")
    chosen = positive if isinstance(positive, str) else positive[at] if positive else texts[-1]
    return int(sizes[list(texts).index(chosen)])


def _of_numbers(
    before: Mapping[str, Any] | None, now: Mapping[str, Any], values: Mapping[str, Value], parameters: int | None
) -> SampleSize | None:
    names = [str(n) for n in now["names"]]
    measures = ["r2"] if len(names) == 1 else [f"r2_{_key(n, names)}" for n in names]
    reached = [_within(values.get(m), LEAST_EXPLAINED, LARGEST_EXPLAINED) for m in measures]
    at = min(range(len(names)), key=lambda i: -1.0 if reached[i] is None else float(reached[i] or 0))
    explained = reached[at]
    asked = {
        "r2": validate.number_for_explained(explained) if explained else None,
        "slope": validate.number_for_slope(explained) if explained else None,
    }
    test = Need(int(now["cases"][at]), None, asked)
    if before is None:
        return SampleSize(names[at], parameters, "r2", explained, explained, None, None, test)
    cases = int(before["cases"][at])
    grown: dict[str, int | None] = {}
    if parameters:
        grown["residual"] = develop.number_for_residuals(parameters)
    if parameters and explained:
        grown["shrinkage"] = develop.number_for_shrinkage(parameters, explained)
        grown["optimism"] = develop.number_for_optimism(parameters, explained)
        grown["mean"] = develop.number_for_mean(parameters, explained, mean=before["mean"][at], sd=before["scale"][at])
    shrinkage = develop.shrinkage_of_number(cases, parameters, explained) if parameters and explained else None
    return SampleSize(names[at], parameters, "r2", explained, explained, shrinkage, Need(cases, None, grown), test)


def _within(value: Value | None, least: float, most: float) -> float | None:
    """Return the value, held back from limits at which a formula breaks; None where it has none or is no better than chance."""
    if value is None or not math.isfinite(value.value) or value.value < least:
        return None
    return min(value.value, most)


def _key(name: Any, names: Sequence[Any]) -> str:
    """Return the name as measures of several outcomes have it: letters, digits, `_`, `-` and `.`, each once."""
    keys: list[str] = []
    for one in names:
        stem = re.sub(r"[^\w.\-]+", "_", str(one)).strip("_")[:60] or "class"
        key, number = stem, 1
        while key in keys:
            number += 1
            key = f"{stem}_{number}"
        keys.append(key)
        if one == name:
            return key
    return str(name)
