"""What an input adds: the same model on the same cases, once with it and once without, in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.comparison import Comparison
from osler.core.measure import Measure
from osler.core.scores import Value
from osler.spine.evaluate import compare_statistics

RESAMPLES = 200  # a standard error of so many is itself known within 5%
MOST = 8  # measures: the first ones of the task
_NAMES = ("all inputs", "without it")


def gained(
    task: Task,
    statistics: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    info: Mapping[str, Any],
    groups: np.ndarray | None,
    seed: int,
) -> dict[str, Any]:
    """Return by part (bundle, network, baseline) and measure the value with all inputs, without one, and what the input gains.

    `statistics` (n, s) by part, with all inputs and without. A gain is signed so that positive means that the input helps; its
    interval comes from resampled `groups`, the same with and without.
    """
    measured = task.measured(info)[:MOST]
    return {
        part: _measures(
            measured,
            compare_statistics(task, pair, names=_NAMES, info=info, groups=groups, seed=seed, resamples=RESAMPLES),
        )
        for part, pair in statistics.items()
    }


def _measures(measured: Sequence[Measure], found: Comparison) -> dict[str, Any]:
    return {
        m.name: {
            "all": found.first[m.name].to_dict(),
            "without": found.second[m.name].to_dict(),
            "gain": _signed(found.differences[m.name], m).to_dict(),
        }
        for m in measured
    }


def _signed(difference: Value, measure: Measure) -> Value:
    if measure.better == "higher":
        return difference
    low, high = difference.low, difference.high
    return Value(-difference.value, None if high is None else -high, None if low is None else -low, difference.note)
