"""Any figure of cases with its interval, and two on the same cases: for what is judged and is no prediction of a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from osler.core.measure import Measure
from osler.core.scores import Value
from osler.spine.evaluate.compare import paired
from osler.spine.evaluate.interval import Spread, interval
from osler.spine.evaluate.resampling import Units, drawn, everyone, notes, side_by_side

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Statistic:
    """A `measure` of n cases: `of` gives it (r,) for resamples, by counts (r, n) of how often each holds each case, NaN where one has
    none. `carried` is the number of cases that carry it, all where None."""

    measure: Measure
    of: Callable[[np.ndarray], np.ndarray]
    carried: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The values by name, what their resamples gave, so that differences are paired, and what to know of the intervals (`notes`)."""

    values: Mapping[str, Value]
    spreads: Mapping[str, Spread]
    measures: Mapping[str, Measure]
    notes: tuple[str, ...]

    def difference(self, first: str, second: str) -> Value:
        """Return the first less the second with the interval of it over their common resamples."""
        pair = self.values[first].value, self.values[second].value
        return paired(self.measures[first], pair, (self.spreads[first], self.spreads[second]))


def found(
    statistics: Mapping[str, Statistic], *, cases: int, groups: np.ndarray | None, seed: int, resamples: int = RESAMPLES
) -> Found:
    """Return each of `statistics` of the same `cases` on the same resamples of `groups` (n,), None where each case is one."""
    units = Units.of(groups, cases)
    how, draws, times = drawn(units, resamples=resamples, seed=seed)

    def measured(counts: np.ndarray) -> list[np.ndarray]:
        return [one.of(counts) for one in statistics.values()]

    pieces = list(side_by_side(measured, draws))
    spreads, values = {}, {}
    for at, (name, one) in enumerate(statistics.items()):
        taken = np.concatenate([np.empty(0), *(piece[at] for piece in pieces)])
        carried = min(float(units.size), one.carried if one.carried is not None else float(units.size))
        spreads[name] = Spread(taken, how, units.size, units.single, carried)
        values[name] = interval(one.measure, float(one.of(everyone(cases))[0]), spreads[name])
    told = notes(units, known=groups is not None, how=how, resamples=times)
    return Found(values, spreads, {name: one.measure for name, one in statistics.items()}, told)
