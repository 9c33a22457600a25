"""Step: how good are the members, and how sure is that.

Groups are resampled, all members on the same resamples, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.comparison import Comparison
from osler.core.scores import Scores, Value, Verdict
from osler.core.state import State
from osler.core.target import Target
from osler.core.view import View
from osler.spine.evaluate.compare import paired, same_everywhere, verdict
from osler.spine.evaluate.interval import Spread, interval
from osler.spine.evaluate.panels import Viewed, marked
from osler.spine.evaluate.pooled import Pooled
from osler.spine.evaluate.resampling import Units, drawn, everyone, notes, side_by_side
from osler.spine.evaluate.subgroups import Subgroups

# 2,000 resamples up to 50,000 cases, then as many as this many counts allow, never under the least: the standard error of 200
# resamples is itself known within 5%.
_COUNTS = 100_000_000
_LEAST_RESAMPLES = 200
_MANY = 100_000
_NO_COLUMNS: Mapping[str, np.ndarray] = MappingProxyType({})

SAME_ORDER = (
    "Both put the cases in the same order, so {primary} is the same by construction: the verdict rests on {proper}, which judges"
    " the probabilities themselves."
)
Samples = dict[str, np.ndarray]  # measure → its values over resamples


def evaluate(
    task: Task,
    raws: Mapping[str, np.ndarray],
    target: Target,
    *,
    states: Mapping[str, State],
    groups: np.ndarray | None,
    plan: Mapping[str, Any],
    seed: int,
    resamples: int = 2000,
) -> Scores:
    """Return the scores of "test" (what the bundle predicts with), "network" and "baseline" on the same cases.

    `raws` gives raw outputs (n, k) by part, "network" and "baseline" where there are; `states` their calibration. `groups`
    (n,) of any type with an order, or None where none is known. Cases without an observed target count nothing.
    """
    kept = np.flatnonzero(target.told.any(axis=1)) if target.observed.shape[1] else np.arange(len(target))
    seen = target.take(kept)
    found = statistics_of(task, {part: raw[kept] for part, raw in raws.items()}, seen, states=states, plan=plan)
    own = None if groups is None else groups[kept]
    views = task.views(state=states.get("test", State()), info=target.info)
    return score_statistics(task, found, info=target.info, groups=own, seed=seed, resamples=resamples, views=views)


def statistics_of(
    task: Task, raws: Mapping[str, np.ndarray], target: Target, *, states: Mapping[str, State], plan: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Return by part (n, s): all that the measures need of each case."""
    return {part: task.statistics(raw, target, state=states.get(part, State()), plan=plan) for part, raw in raws.items()}


def score_statistics(
    task: Task,
    statistics: Mapping[str, np.ndarray],
    *,
    info: Mapping[str, Any],
    groups: np.ndarray | None,
    seed: int,
    resamples: int = 2000,
    views: Sequence[View] = (),
    subgroups: Mapping[str, np.ndarray] = _NO_COLUMNS,
) -> Scores:
    """Return the scores from statistics (n, s) by part, which may have been streamed case by case.

    `views` of "test", and subgroups of it by columns (n,) of the table, are measured on the same resamples and come as panels.
    """
    cases = len(next(iter(statistics.values())))
    order = slice(None) if isinstance(task, Pooled) else _in_memory_order(statistics)  # pooled views know cases by their place
    twin = _twins(statistics)
    ordered = {part: statistics[part][order] for part in set(twin.values())}
    statistics = {part: ordered[twin[part]] for part in statistics}  # parts that say the same are held and measured once
    subgroups = {name: values[order] for name, values in subgroups.items()}
    units = Units.of(None if groups is None else groups[order], cases)
    own = {part: _measures(task, one, everyone(cases), info) for part, one in ordered.items()}
    points = {part: own[twin[part]] for part in statistics}
    width = max((s.shape[1] for s in statistics.values()), default=1)
    how, draws, times = drawn(units, resamples=_affordable(resamples, units, width), seed=seed)
    tested = statistics.get("test", np.empty((0, width)))
    viewed = Viewed(views, tested)
    parted = Subgroups(task, tested, subgroups, units=units, info=info)
    samples = _resampled(task, statistics, draws, info=info, others=(viewed, parted))
    values, spreads = {}, {}
    for part, one in statistics.items():
        spreads[part] = _spreads(task, one, samples[part], units, how=how, info=info)
        values[part] = _values(task, points[part], spreads[part], info)
    panels = viewed.panels(units, how=how)
    figures = marked(task.figures(tested, info=info), panels, views) if len(tested) else ()
    return Scores(
        values.get("test", {}),
        values.get("network", {}),
        values.get("baseline", {}),
        _verdict(task, points, spreads, info),
        {"cases": cases, "groups": units.size, "resamples": times},
        {figure.name: figure.to_dict() for figure in figures},
        notes(units, known=groups is not None, how=how, resamples=times),
        (*panels, *parted.panels(how=how)),
    )


def _in_memory_order(statistics: Mapping[str, np.ndarray]) -> np.ndarray | slice:
    """Return an order of the cases in which neighbours are alike. The scores are the same in any order; in this one the measures
    of very many cases, which sort them, read memory in a row: three times faster with a million."""
    first = next(iter(statistics.values()))
    return np.argsort(first[:, 1], kind="stable") if len(first) >= _MANY and first.shape[1] > 1 else slice(None)


def compare_statistics(
    task: Task,
    statistics: tuple[np.ndarray, np.ndarray],
    *,
    names: tuple[str, str],
    info: Mapping[str, Any],
    groups: np.ndarray | None,
    seed: int,
    resamples: int = 2000,
) -> Comparison:
    """Return the paired comparison of two models from their statistics (n, s) of the same cases, in the same order."""
    cases = len(statistics[0])
    units = Units.of(groups, cases)
    parts = {str(number): one for number, one in enumerate(statistics)}
    points = [{k: float(v[0]) for k, v in _measures(task, s, everyone(cases), info).items()} for s in statistics]
    width = max(s.shape[1] for s in statistics)
    how, draws, times = drawn(units, resamples=_affordable(resamples, units, width), seed=seed)
    samples = _resampled(task, parts, draws, info=info, others=())
    spreads = [_spreads(task, s, samples[part], units, how=how, info=info) for part, s in parts.items()]
    measured = task.measured(info)
    values = [
        {m.name: interval(m, point[m.name], spread[m.name]) for m in measured}
        for point, spread in zip(points, spreads, strict=True)
    ]
    pairs = {m.name: ((points[0][m.name], points[1][m.name]), (spreads[0][m.name], spreads[1][m.name])) for m in measured}
    differences = {m.name: paired(m, *pairs[m.name]) for m in measured}
    primary = measured[0]
    proper = next((m for m in measured if m.proper and m is not primary), None)
    word = verdict(primary, *pairs[primary.name], names=names)
    chances = None if proper is None else verdict(proper, *pairs[proper.name], names=names)
    counts = {"cases": cases, "groups": units.size, "resamples": times}
    told = notes(units, known=groups is not None, how=how, resamples=times)
    if proper is not None and chances is not None and same_everywhere(*pairs[primary.name]) and values[0] != values[1]:
        told = (SAME_ORDER.format(primary=primary.name, proper=proper.name), *told)
        word = chances
    return Comparison(names, values[0], values[1], differences, word, counts, told, chances)


def _affordable(resamples: int, units: Units, width: int) -> int:
    fit = _COUNTS // max(1, len(units.code) * max(1, width // 4))
    return min(resamples, max(_LEAST_RESAMPLES, fit))


def _measures(task: Task, statistics: np.ndarray, counts: np.ndarray, info: Mapping[str, Any]) -> Samples:
    if not len(statistics):
        return {m.name: np.full(len(counts), np.nan) for m in task.measured(info)}
    return task.measures(statistics, counts, info=info)


def _resampled(
    task: Task,
    statistics: Mapping[str, np.ndarray],
    draws: Iterator[np.ndarray],
    *,
    info: Mapping[str, Any],
    others: Sequence[Viewed | Subgroups],
) -> dict[str, Samples]:
    """Return the samples of the main measures by part; `others` take the same resamples."""
    twin = _twins(statistics)
    parts: dict[str, list[Samples]] = {part: [] for part in set(twin.values())}

    def measured(counts: np.ndarray) -> tuple[list[Samples], list[list[Samples]]]:
        return [_measures(task, statistics[part], counts, info) for part in parts], [other.measured(counts) for other in others]

    for own, of_others in side_by_side(measured, draws):
        for found, samples in zip(parts.values(), own, strict=True):
            found.append(samples)
        for other, taken in zip(others, of_others, strict=True):
            other.take(taken)
    names = [m.name for m in task.measured(info)]
    joined = {
        part: {name: np.concatenate([s[name] for s in found]) if found else np.empty(0) for name in names}
        for part, found in parts.items()
    }
    return {part: joined[twin[part]] for part in statistics}


def _twins(statistics: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Return for each part the first that says the same of every case: a bundle that predicts with one part is measured once."""
    found: dict[str, str] = {}
    for part, one in statistics.items():
        alike = (other for other in found if statistics[other] is one or np.array_equal(statistics[other], one, equal_nan=True))
        found[part] = next(alike, part)
    return found


def _spreads(
    task: Task, statistics: np.ndarray, samples: Samples, units: Units, *, how: Any, info: Mapping[str, Any]
) -> dict[str, Spread]:
    carried = task.support(statistics, info=info) if len(statistics) else {}
    return {
        name: Spread(values, how, units.size, units.single, min(float(units.size), carried.get(name, float(units.size))))
        for name, values in samples.items()
    }


def _values(task: Task, point: Samples, spreads: Mapping[str, Spread], info: Mapping[str, Any]) -> dict[str, Value]:
    return {m.name: interval(m, float(point[m.name][0]), spreads[m.name]) for m in task.measured(info)}


def _verdict(
    task: Task, points: Mapping[str, Samples], spreads: Mapping[str, Mapping[str, Spread]], info: Mapping[str, Any]
) -> Verdict | None:
    if "network" not in points or "baseline" not in points:
        return None
    primary = task.measured(info)[0]
    pair = [float(points[part][primary.name][0]) for part in ("network", "baseline")]
    return verdict(primary, (pair[0], pair[1]), (spreads["network"][primary.name], spreads["baseline"][primary.name]))
