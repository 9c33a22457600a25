"""Scores on the test cases that no leak touches, beside those on all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.panel import Panel, Row
from osler.core.scores import Scores
from osler.spine.evaluate import score_statistics
from osler.spine.evaluate.withheld import withheld

PANEL = "clean"
MOST = 8  # measures: the first ones of the task


def with_clean(
    scores: Scores,
    task: Task,
    statistics: Mapping[str, np.ndarray],
    *,
    touched: np.ndarray,
    info: Mapping[str, Any],
    groups: np.ndarray | None,
    seed: int,
) -> Scores:
    """Return `scores` with a panel of "all test cases" and "clean test cases", where some but not all are `touched` (n,) bool.

    Fewer than five clean ones are not told of.
    """
    if not touched.any() or touched.all():
        return scores
    kept = {"test": statistics["test"][~touched]}
    clean = score_statistics(task, kept, info=info, groups=None if groups is None else groups[~touched], seed=seed)
    if withheld(clean.counts):
        return scores
    names = [m.name for m in task.measured(info)[:MOST]]
    rows = tuple(
        Row(label, found.counts["cases"], {name: found.test[name] for name in names})
        for label, found in (("all test cases", scores), ("clean test cases", clean))
    )
    return replace(scores, panels=(*scores.panels, Panel(PANEL, rows)))
