"""Tables beside the main measures: what a task's views say of the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from osler.core.figure import Figure, Series
from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.core.sums import added, compact
from osler.core.view import View
from osler.spine.evaluate.interval import Spread, interval
from osler.spine.evaluate.resampling import How, Units, everyone

Samples = dict[str, np.ndarray]


class Viewed:
    """Gathers what views say of resample after resample; `panels` closes it."""

    def __init__(self, views: Sequence[View], statistics: np.ndarray) -> None:
        self._statistics = statistics
        self._views = tuple(views) if len(statistics) else ()
        self._columns = {place: compact(v.sums.columns(statistics)) for place, v in enumerate(self._views) if v.sums}
        self._found: list[list[Samples]] = [[] for _ in self._views]

    def measured(self, counts: np.ndarray) -> list[Samples]:
        """Return each view's measures of the resamples `counts` (r, n); what needs sums alone is added up together."""
        sums = dict(zip(self._columns, added(counts, list(self._columns.values())), strict=True))
        return [
            view.sums.with_more(sums[place], self._statistics, counts) if view.sums else view.measures(self._statistics, counts)
            for place, view in enumerate(self._views)
        ]

    def take(self, samples: list[Samples]) -> None:
        """Keep what `measured` gave."""
        for found, one in zip(self._found, samples, strict=True):
            found.append(one)

    def panels(self, units: Units, *, how: How) -> tuple[Panel, ...]:
        """Return one panel per name among the views, rows in their order."""
        points = self.measured(everyone(len(self._statistics)))
        rows: dict[str, list[Row]] = {}
        for view, point, found in zip(self._views, points, self._found, strict=True):
            carried = view.support(self._statistics)
            values: dict[str, Value] = {}
            for measure in view.measured:
                drawn = np.concatenate([part[measure.name] for part in found]) if found else np.empty(0)
                size = min(float(units.size), carried.get(measure.name, float(units.size)))
                spread = Spread(drawn, how, units.size, units.single, size)
                values[measure.name] = interval(measure, float(point[measure.name][0]), spread)
            rows.setdefault(view.panel, []).append(Row(view.label, len(self._statistics), values, view.about))
        notes = {name: dict.fromkeys(n for view in self._views if view.panel == name for n in view.notes) for name in rows}
        return tuple(Panel(name, tuple(part), tuple(notes[name])) for name, part in rows.items())


def marked(figures: Sequence[Figure], panels: Sequence[Panel], views: Sequence[View]) -> tuple[Figure, ...]:
    """Return the figures with a point for each view that has its `mark` there, at its values and with the interval upwards."""
    rows = {(panel.name, row.label): row.values for panel in panels for row in panel.rows}
    points: dict[str, list[Series]] = {}
    for view in views:
        values = rows.get((view.panel, view.label), {})
        name, across, up = view.mark or ("", "", "")
        if across in values and np.isfinite([values[across].value, values[up].value]).all():
            points.setdefault(name, []).append(_point(view.label, values[across], values[up]))
    return tuple(replace(figure, series=(*figure.series, *points.get(figure.name, ()))) for figure in figures)


def _point(label: str, across: Value, up: Value) -> Series:
    ends = None if up.low is None or up.high is None else ([round(up.low, 6)], [round(up.high, 6)])
    low, high = ends or (None, None)
    return Series(label, [round(across.value, 6)], [round(up.value, 6)], low, high, style="points")
