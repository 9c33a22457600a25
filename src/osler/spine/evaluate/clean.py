"""Scores on the test cases that no leak touches, beside those on all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.view import View

PANEL = "clean"
MOST = 8  # measures: the first ones of the task


def clean_views(task: Task, touched: np.ndarray, *, info: Mapping[str, Any]) -> tuple[View, ...]:
    """Return the rows "all test cases" and "clean test cases" where some but not all test cases are `touched` (n,) bool."""
    if not touched.any() or touched.all():
        return ()
    return (_view(task, "all test cases", np.ones(len(touched), bool), info), _view(task, "clean test cases", ~touched, info))


def _view(task: Task, label: str, kept: np.ndarray, info: Mapping[str, Any]) -> View:
    measured = task.measured(info)[:MOST]
    cases = int(kept.sum())

    def measures(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
        return task.measures(statistics, counts * kept.astype(counts.dtype), info=info)

    def support(statistics: np.ndarray) -> Mapping[str, float]:
        carried = task.support(statistics[kept], info=info)
        return {m.name: min(float(cases), carried.get(m.name, float(cases))) for m in measured}

    return View(PANEL, label, measured, measures, support, {}, cases=cases)
