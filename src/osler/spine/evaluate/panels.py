"""Tables beside the main measures: what a task's views say of the same cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.core.view import View
from osler.spine.evaluate.interval import Spread, interval
from osler.spine.evaluate.resampling import Units, everyone

How = Literal["bootstrap", "jackknife", "none"]


def panels_of(
    views: Sequence[View], statistics: np.ndarray, *, units: Units, how: How, draws: Iterable[np.ndarray]
) -> tuple[Panel, ...]:
    """Return one panel per name among `views`, rows in their order; `draws` are the resamples of the main measures."""
    if not len(statistics):
        return ()
    samples: list[list[dict[str, np.ndarray]]] = [[] for _ in views]
    for counts in draws:
        for view, found in zip(views, samples, strict=True):
            found.append(view.measures(statistics, counts))
    rows: dict[str, list[Row]] = {}
    for view, found in zip(views, samples, strict=True):
        rows.setdefault(view.panel, []).append(_row(view, statistics, found, units=units, how=how))
    return tuple(Panel(name, tuple(part)) for name, part in rows.items())


def _row(view: View, statistics: np.ndarray, found: list[dict[str, np.ndarray]], *, units: Units, how: How) -> Row:
    point = view.measures(statistics, everyone(len(statistics)))
    carried: Mapping[str, float] = view.support(statistics)
    values: dict[str, Value] = {}
    for measure in view.measured:
        drawn = np.concatenate([part[measure.name] for part in found]) if found else np.empty(0)
        size = min(float(units.size), carried.get(measure.name, float(units.size)))
        values[measure.name] = interval(
            measure, float(point[measure.name][0]), Spread(drawn, how, units.size, units.single, size)
        )
    return Row(view.label, len(statistics) if view.cases is None else view.cases, values, view.about)
