"""How good the model is in parts of the cases, on the same resamples as the whole, and whether the parts differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import fdtrc

from osler.contract import Task
from osler.core.measure import Measure
from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.spine.evaluate.cuts import Subgroup, cut
from osler.spine.evaluate.interval import LEAST_GROUPS, Spread, interval, steepness
from osler.spine.evaluate.resampling import How, Units, everyone

PANEL = "subgroup"
Samples = dict[str, np.ndarray]


class Part:
    """One subgroup and what resamples say of it."""

    def __init__(self, task: Task, statistics: np.ndarray, subgroup: Subgroup, *, units: Units, info: Mapping[str, Any]) -> None:
        self.subgroup = subgroup
        self._task, self._info = task, info
        self._statistics = statistics[subgroup.rows]
        self._single = units.single
        self._groups = len(subgroup.rows) if units.single else len(np.unique(units.code[subgroup.rows]))
        self._found: list[Samples] = []
        self.point = self._measures(everyone(len(subgroup.rows)))
        self._carried = task.support(self._statistics, info=info)

    def measured(self, counts: np.ndarray) -> Samples:
        """Return the measures of the resamples `counts` (r, n) of all cases."""
        return self._measures(counts[:, self.subgroup.rows])

    def take(self, samples: Samples) -> None:
        """Keep what `measured` gave."""
        self._found.append(samples)

    def spread(self, measure: Measure, how: How) -> Spread:
        """Return what the resamples gave; too few groups of its own leave a subgroup without an interval."""
        drawn = np.concatenate([one[measure.name] for one in self._found]) if self._found else np.empty(0)
        carried = min(float(self._groups), self._carried.get(measure.name, float(self._groups)))
        return Spread(drawn, how if self._groups >= LEAST_GROUPS else "none", self._groups, self._single, carried)

    def row(self, measures: Sequence[Measure], how: How) -> Row:
        """Return the subgroup's line of the panel."""
        values = {m.name: interval(m, float(self.point[m.name][0]), self.spread(m, how)) for m in measures}
        return Row(self.subgroup.label, len(self.subgroup.rows), values, self.subgroup.about())

    def _measures(self, counts: np.ndarray) -> Samples:
        return self._task.measures(self._statistics, counts, info=self._info)


class Subgroups:
    """Gathers subgroups by several columns, resample after resample; `panels` closes it."""

    def __init__(
        self,
        task: Task,
        statistics: np.ndarray,
        columns: Mapping[str, np.ndarray],
        *,
        units: Units,
        info: Mapping[str, Any],
    ) -> None:
        self._measures = tuple(m for m in task.measured(info) if m.by_subgroup)
        self._parts: dict[str, tuple[Part, ...]] = {}
        self._notes: dict[str, tuple[str, ...]] = {}
        for name, values in columns.items() if len(statistics) else ():
            found, self._notes[name] = cut(name, values, units=units)
            self._parts[name] = tuple(Part(task, statistics, one, units=units, info=info) for one in found)

    def measured(self, counts: np.ndarray) -> list[Samples]:
        """Return every subgroup's measures of the resamples `counts` (r, n)."""
        return [part.measured(counts) for parts in self._parts.values() for part in parts]

    def take(self, samples: list[Samples]) -> None:
        """Keep what `measured` gave."""
        for part, one in zip((part for parts in self._parts.values() for part in parts), samples, strict=True):
            part.take(one)

    def panels(self, *, how: How) -> tuple[Panel, ...]:
        """Return the panel `subgroup.<column>` of each column."""
        rows = {name: tuple(part.row(self._measures, how) for part in parts) for name, parts in self._parts.items()}
        tests = self._tests(rows, how)
        return tuple(
            Panel(f"{PANEL}.{name}", found, (*_multiplicity(found), *tests.get(name, ()), *self._notes[name]))
            for name, found in rows.items()
        )

    def _tests(self, rows: Mapping[str, Sequence[Row]], how: How) -> dict[str, tuple[str, ...]]:
        """Return by column whether the primary measure differs between its subgroups, adjusted for the number of columns."""
        primary = self._measures[0]
        chances: dict[str, float] = {}
        for name, parts in self._parts.items():
            certain = [part for part, row in zip(parts, rows[name], strict=True) if row.values[primary.name].low is not None]
            chance = heterogeneity(primary, certain, how=how)
            chances |= {} if chance is None else {name: chance}
        adjusted = holm(list(chances.values()))
        return {name: (_told(primary, p, len(chances)),) for name, p in zip(chances, adjusted, strict=True)}


def heterogeneity(measure: Measure, parts: Sequence[Part], *, how: How) -> float | None:
    """Return the chance of differences at least as large where all `parts` were equally good (Wald's test, F distribution).

    Values are compared on the measure's own scale; their covariance is that of the resamples, so that groups with cases in
    several subgroups are respected. None where it cannot be told.
    """
    spreads = [part.spread(measure, how) for part in parts]
    if len(parts) < 2 or how == "none":
        return None
    values = np.array([float(part.point[measure.name][0]) for part in parts])
    steep = np.array([steepness(measure, value) for value in values])
    drawn = np.stack([spread.values for spread in spreads], axis=1)
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    if not np.isfinite(steep).all() or len(drawn) < max(2 * len(parts), len(spreads[0].values) / 2):
        return None
    carried = np.array([spread.carried for spread in spreads])
    widened = steep * np.sqrt(carried / (carried - 1)) if how == "bootstrap" else steep * (len(drawn) - 1) / np.sqrt(len(drawn))
    covariance = np.cov(drawn, rowvar=False) * np.outer(widened, widened)
    contrast = np.eye(len(parts))[1:] - np.eye(len(parts))[0]
    difference = contrast @ on_scale(measure, values)
    spread_of = contrast @ covariance @ contrast.T
    if np.linalg.cond(spread_of) > 1e10:
        return None
    statistic = float(difference @ np.linalg.solve(spread_of, difference)) / len(contrast)
    return float(fdtrc(len(contrast), max(1.0, float(carried.min()) - 1), max(0.0, statistic)))


def on_scale(measure: Measure, values: np.ndarray) -> np.ndarray:
    """Return values on the scale of the measure's intervals."""
    if measure.scale == "logit":
        return np.asarray(np.log(values / (1 - values)))
    return np.asarray(np.log(values)) if measure.scale in ("log", "ratio") else values


def holm(chances: Sequence[float]) -> list[float]:
    """Return the p values adjusted for their number (Holm 1979).

    >>> [round(p, 2) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(chances)
    largest = 0.0
    for rank, at in enumerate(sorted(range(len(chances)), key=lambda i: chances[i])):
        largest = max(largest, min(1.0, (len(chances) - rank) * chances[at]))
        adjusted[at] = largest
    return adjusted


def _told(measure: Measure, chance: float, columns: int) -> str:
    shown = "p < 0.001" if chance < 0.001 else f"p = {chance:.3f}"
    adjusted = f", adjusted for {columns} columns after Holm" if columns > 1 else ""
    begin = f"{'A' if chance < 0.05 else 'No'} difference in {measure.name} between these subgroups is shown"
    return f"{begin} ({shown}, Wald's test on the same resamples{adjusted})."


def _multiplicity(rows: Sequence[Row]) -> tuple[str, ...]:
    values: list[Value] = [value for row in rows for value in row.values.values()]
    given = sum(value.low is not None for value in values)
    if not given:
        return ()
    missing = f"{0.05 * given:.1f}"
    return (f"Of the {given} intervals of this table, about {missing} miss the truth by chance alone: look for patterns.",)
