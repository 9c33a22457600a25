"""Several trainings scored as one: outer folds side by side, repeats averaged on the same resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.figure import Figure
from osler.core.measure import Measure
from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.core.state import State
from osler.core.view import View
from osler.spine.evaluate.resampling import everyone

OWN = "What each training settled by itself stands here as the median over trainings; the bundle has its own."


@dataclass(frozen=True, slots=True)
class Outside:
    """One training: its test cases are `places` (m,) among all tested cases in `repeat`, `lines` (m, s) by part their
    statistics, `views` what its own state gives to measure."""

    places: np.ndarray
    repeat: int
    lines: Mapping[str, np.ndarray]
    views: Sequence[View]


class Pooled(Task):
    """A task whose statistics hold a block for each repeat side by side: each measure is the mean of its values in them.

    A resample draws a case with all its repeats, so the interval is that of the mean, and no case counts twice. Its views are
    those that the trainings `outside` have in common.
    """

    def __init__(self, task: Task, outside: Sequence[Outside]) -> None:
        self.task, self.outside = task, tuple(outside)
        self.repeats = 1 + max(one.repeat for one in outside)

    def statistics_of(self, part: str) -> np.ndarray:
        """Return (n, repeats * (s + 1)): for each repeat its statistics and the number of the training that they come from.

        With that number a line tells all of itself, so cases may be put into another order or left out.
        """
        width = self.outside[0].lines[part].shape[1] + 1
        out = np.full((1 + max(int(one.places.max(initial=-1)) for one in self.outside), self.repeats * width), np.nan)
        for number, one in enumerate(self.outside):
            start = one.repeat * width
            out[one.places, start : start + width - 1] = one.lines[part]
            out[one.places, start + width - 1] = number
        return out

    def blocks(self, statistics: np.ndarray) -> list[np.ndarray]:
        """Return the statistics (n, s) of each repeat."""
        return [block[:, :-1] for block in np.split(statistics, self.repeats, axis=1)]

    def of_training(self, statistics: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that training `number` was tested on, and their statistics."""
        block = np.split(statistics, self.repeats, axis=1)[self.outside[number].repeat]
        rows = np.flatnonzero(block[:, -1] == number)
        return rows, block[rows, :-1]

    def measured(self, info: Mapping[str, Any]) -> tuple[Measure, ...]:
        """Return the task's measures."""
        return self.task.measured(info)

    def measures(self, statistics: np.ndarray, counts: np.ndarray, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the mean of each measure over the repeats that have a value."""
        each = [self.task.measures(block, counts, info=info) for block in self.blocks(statistics)]
        return {name: _mean(np.stack([one[name] for one in each])) for name in each[0]}

    def support(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Mapping[str, float]:
        """Return by measure how many cases carry it in a repeat, on average."""
        each = [self.task.support(block, info=info) for block in self.blocks(statistics)]
        return {name: float(np.mean([one[name] for one in each])) for name in each[0]}

    def views(self, *, state: State, info: Mapping[str, Any]) -> tuple[View, ...]:
        """Return the views that every training has, measured on the cases outside it and averaged; `state` says nothing.

        Each training keeps its own thresholds. A value is the mean over trainings, weighted by the cases that carry it, which
        is exact for shares of cases. What is known `about` a view is kept where all agree, numbers as their median and range.
        """
        keys = [(v.panel, v.label) for v in self.outside[0].views]
        whole = [key for key in keys if all(any((v.panel, v.label) == key for v in one.views) for one in self.outside)]
        return tuple(view for key in whole if (view := _pooled(self, key)).measured)

    def figures(self, statistics: np.ndarray, *, info: Mapping[str, Any], **more: Any) -> tuple[Figure, ...]:
        """Return the figures of the first repeat: counts are of cases, and each is there once."""
        return self.task.figures(self.blocks(statistics)[0], info=info, **more)


def _pooled(task: Pooled, key: tuple[str, str]) -> View:
    own = [next(v for v in one.views if (v.panel, v.label) == key) for one in task.outside]
    common = set.intersection(*({m.name for m in view.measured} for view in own))
    measured = tuple(m for m in own[0].measured if m.name in common)
    names = [m.name for m in measured]

    def support(statistics: np.ndarray) -> Mapping[str, float]:
        each = [view.support(task.of_training(statistics, number)[1]) for number, view in enumerate(own)]
        return {name: sum(one.get(name, 0.0) for one in each) / task.repeats for name in each[0]}

    def measures(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
        found, weights = [], []
        for number, view in enumerate(own):
            rows, lines = task.of_training(statistics, number)
            if len(rows):
                carried = view.support(lines)
                found.append(view.measures(lines, counts[:, rows]))
                weights.append({m.name: carried.get(m.name, float(len(rows))) for m in view.measured})
        if not found:
            return {name: np.full(len(counts), np.nan) for name in names}
        return {n: _mean(np.stack([f[n] for f in found]), np.array([w[n] for w in weights])) for n in names}

    about = _about([view.about for view in own])
    return View(*key, measured, measures, support, about, (*own[0].notes, OWN), mark=own[0].mark)


def _about(each: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in [n for n in each[0] if all(n in one for one in each)]:
        values = [one[name] for one in each]
        if all(v == values[0] for v in values):
            out[name] = values[0]
        elif all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            out |= {name: float(np.median(values)), f"{name}_range": [float(min(values)), float(max(values))]}
    return out


def _mean(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the mean over the first axis of what is known, weighted; NaN where nothing is."""
    known = np.isfinite(values)
    shares = known * (np.ones(len(values)) if weights is None else weights)[:, None]
    total = shares.sum(axis=0)
    summed = (np.where(known, values, 0.0) * shares).sum(axis=0)
    return np.divide(summed, total, out=np.full(values.shape[1], np.nan), where=total > 0)


def repeats_panel(task: Pooled, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Panel:
    """Return each repeat's values and their standard deviation: what another division into folds would have changed."""
    each = [task.task.measures(block, everyone(len(block)), info=info) for block in task.blocks(statistics)]
    note = "one repeat: the interval stands with the mean of all"
    rows = [
        Row(f"repeat {number}", len(statistics), {name: Value(float(v[0]), note=note) for name, v in one.items()})
        for number, one in enumerate(each, start=1)
    ]
    spread = {name: float(np.std([one[name][0] for one in each], ddof=1)) for name in each[0]}
    told = Row("standard deviation between repeats", len(statistics), {n: Value(v, note="a spread") for n, v in spread.items()})
    return Panel(
        "repeats",
        (*rows, told),
        (
            "Repeats share all cases: they show what the division into folds does, no more.",
            "Figures are those of the first repeat.",
        ),
    )
