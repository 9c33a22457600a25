"""What one plain number of each case tells by itself: a model must beat it before it has learned more than that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.panel import Panel, Row
from osler.core.scores import Scores
from osler.core.state import State
from osler.core.target import Target
from osler.spine.evaluate import score_statistics
from osler.spine.evaluate.resampling import everyone
from osler.spine.evaluate.withheld import withheld

PANEL = "yardstick"
# measures that look at the order of cases alone, so that a number needs no scale for them, and what chance gives
CHANCE = {"auroc": 0.5, "spearman": 0.0}


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A number called `name` of the cases by which its direction is found, `before` (d,), and of the test cases, `now` (m,); NaN where
    a case has none."""

    name: str
    before: np.ndarray
    now: np.ndarray


def with_yardsticks(
    scores: Scores,
    task: Task,
    yardsticks: tuple[Yardstick, ...],
    *,
    before: Target,
    now: Target,
    groups: np.ndarray | None,
    plan: Mapping[str, Any],
    seed: int,
) -> Scores:
    """Return `scores` with a panel of the bundle, its parts and each yardstick, by the measure that looks at order alone.

    `before` is the target (d,) of the cases that chose directions, `now` that of the test cases (m,) with their `groups` (m,). Nothing is
    told where an answer has more than one raw output, as an order of cases is not one of classes, nor of fewer than five cases.
    """
    names = [m.name for m in task.measured(now.info) if m.name in CHANCE]
    if not yardsticks or len(names) != 1 or task.width(now.info) != 1:
        return scores
    measure = names[0]
    found = [_row(task, one, measure, before=before, now=now, groups=groups, plan=plan, seed=seed) for one in yardsticks]
    rows = [row for row in found if row is not None]
    if not rows:
        return scores
    parts = {"bundle": scores.test, "network": scores.network, "baseline": scores.baseline}
    own = [Row(part, scores.counts["cases"], {measure: values[measure]}) for part, values in parts.items() if measure in values]
    return replace(scores, panels=(*scores.panels, Panel(PANEL, (*own, *rows))))


def _row(
    task: Task, one: Yardstick, measure: str, *, before: Target, now: Target, groups: np.ndarray | None, plan: Mapping[str, Any],
    seed: int,
) -> Row | None:  # fmt: skip
    """Return the row of a yardstick, None where too few cases have it."""
    known = _statistics(task, one.before, before, plan=plan)[0]
    if not len(known):
        return None
    value = task.measures(known, everyone(len(known)), info=before.info)[measure][0]
    sign = -1.0 if value < CHANCE[measure] else 1.0
    lines, kept = _statistics(task, sign * one.now, now, plan=plan)
    if not len(kept):
        return None
    own = None if groups is None else groups[kept]
    scored = score_statistics(task, {"test": lines}, info=now.info, groups=own, seed=seed)
    return None if withheld(scored.counts) else Row(one.name, scored.counts["cases"], {measure: scored.test[measure]})


def _statistics(task: Task, numbers: np.ndarray, target: Target, *, plan: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the statistics (k, s) of `numbers` as raw outputs, and the cases (k,) that have both a number and an outcome."""
    kept = np.flatnonzero(np.isfinite(numbers) & target.observed.any(axis=1))
    return task.statistics(numbers[kept, None], target.take(kept), state=State(), plan=plan), kept
