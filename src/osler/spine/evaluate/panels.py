"""Tables beside the main measures: what a task's views say of the same cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.core.view import Sums, View
from osler.spine.evaluate.interval import Spread, interval
from osler.spine.evaluate.resampling import How, Units, everyone

_NUMBERS = 4_000_000  # of counts turned to floats at once: 32 MB
Samples = dict[str, np.ndarray]


class Viewed:
    """Gathers what views say of resample after resample; `panels` closes it."""

    def __init__(self, views: Sequence[View], statistics: np.ndarray) -> None:
        self._statistics = statistics
        self._views = tuple(views) if len(statistics) else ()
        self._found: list[list[Samples]] = [[] for _ in self._views]

    def take(self, counts: np.ndarray) -> None:
        """Measure every view of the resamples `counts` (r, n)."""
        for found, samples in zip(self._found, measured(self._views, self._statistics, counts), strict=True):
            found.append(samples)

    def panels(self, units: Units, *, how: How) -> tuple[Panel, ...]:
        """Return one panel per name among the views, rows in their order."""
        points = measured(self._views, self._statistics, everyone(len(self._statistics)))
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


def measured(views: Sequence[View], statistics: np.ndarray, counts: np.ndarray) -> list[Samples]:
    """Return by view each measure (r,) of resamples `counts` (r, n); views that need sums alone are added up together."""
    summed = [view.sums for view in views if view.sums is not None]
    totals = iter(_totals(summed, statistics, counts))
    return [view.sums.measures(next(totals)) if view.sums else view.measures(statistics, counts) for view in views]


def _totals(sums: Sequence[Sums], statistics: np.ndarray, counts: np.ndarray) -> list[np.ndarray]:
    if not sums:
        return []
    step = max(1, _NUMBERS // max(1, len(counts)))
    total: np.ndarray | None = None
    for start in range(0, len(statistics), step):
        block = slice(start, start + step)
        parts = [one.columns(statistics[block]) for one in sums]
        added = counts[:, block].astype(float) @ np.concatenate(parts, axis=1)
        total = added if total is None else total + added
    ends = np.cumsum([part.shape[1] for part in parts])[:-1]
    assert total is not None
    return np.split(total, ends, axis=1)
