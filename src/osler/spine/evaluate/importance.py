"""What is lost by a measure when a feature is torn from the outcome, and how sure that is.

The interval comes from resampled groups, on which the measure is taken with and without the feature: it holds what another
sample of cases would change and, since every case's exchanged value was drawn too, the chance of the exchange; the mean over
repeats makes the second small. Differences are paired, so intervals are far narrower than those of the measure itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.measure import Measure
from osler.core.scores import Value
from osler.spine.evaluate.interval import FEW_GROUPS, LEAST_GROUPS, Spread, interval
from osler.spine.evaluate.resampling import Units, bootstrap, everyone, leave_one_out

RESAMPLES = 200  # a standard error of so many is itself known within 5%


@dataclass(frozen=True, slots=True)
class Whole:
    """The primary measure of the whole model: its `value`, and its `spread` over the resamples `draws`."""

    task: Task
    info: Mapping[str, Any]
    measure: Measure
    value: float
    spread: Spread
    draws: tuple[np.ndarray, ...]


def whole(
    task: Task,
    statistics: np.ndarray,
    *,
    info: Mapping[str, Any],
    groups: np.ndarray | None,
    seed: int,
    resamples: int = RESAMPLES,
) -> Whole:
    """Return the primary measure of statistics (n, s), and of resamples of the `groups` (n,)."""
    units = Units.of(groups, len(statistics))
    how, draws = _draws(units, resamples=resamples, seed=seed)
    measure = task.measured(info)[0]
    value = float(task.measures(statistics, everyone(len(statistics)), info=info)[measure.name][0])
    carried = min(float(units.size), task.support(statistics, info=info).get(measure.name, float(units.size)))
    spread = Spread(np.empty(0), how, units.size, units.single, carried)
    found = Whole(task, info, measure, value, spread, tuple(draws))
    return replace(found, spread=replace(spread, values=_samples(found, statistics)))


def drop(found: Whole, exchanged: Sequence[np.ndarray]) -> Value:
    """Return how much worse the measure is, signed so that positive is a loss, as a mean over repeats of the exchange, each
    with its statistics (n, s)."""
    sign = 1.0 if found.measure.better == "higher" else -1.0
    one = found.task.measures
    points = [float(one(s, everyone(len(s)), info=found.info)[found.measure.name][0]) for s in exchanged]
    samples = np.mean([_samples(found, s) for s in exchanged], axis=0)
    spread = replace(found.spread, values=sign * (found.spread.values - samples))
    return interval(Measure("loss", "higher"), float(np.mean([sign * (found.value - p) for p in points])), spread)


def _samples(found: Whole, statistics: np.ndarray) -> np.ndarray:
    name = found.measure.name
    parts = [found.task.measures(statistics, counts, info=found.info)[name] for counts in found.draws]
    return np.concatenate(parts) if parts else np.empty(0)


def _draws(units: Units, *, resamples: int, seed: int) -> tuple[Any, Iterator[np.ndarray]]:
    if units.size < LEAST_GROUPS:
        return "none", iter(())
    if units.size < FEW_GROUPS:
        return "jackknife", leave_one_out(units)
    return "bootstrap", bootstrap(units, resamples=resamples, seed=seed)
