"""What an input adds: the same model on the same cases, once with it and once without, in pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.comparison import Comparison
from osler.core.measure import Measure
from osler.core.scores import Value
from osler.spine.evaluate import compare_statistics

RESAMPLES = 200  # a standard error of so many is itself known within 5%
_NAMES = ("all inputs", "without it")


def gained(
    task: Task,
    statistics: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    info: Mapping[str, Any],
    groups: np.ndarray | None,
    seed: int,
) -> dict[str, Any]:
    """Return by part (bundle, network, baseline) and measure the value with "all" inputs, "without" one, and the "difference".

    `statistics` (n, s) by part, with all inputs and without. The primary measure has a "gain" too, signed so that positive means
    that the input helps. Intervals of differences come from resampled `groups`, the same with and without.
    """
    return {
        part: _measures(
            task.measured(info)[0],
            compare_statistics(task, pair, names=_NAMES, info=info, groups=groups, seed=seed, resamples=RESAMPLES),
        )
        for part, pair in statistics.items()
    }


def _measures(primary: Measure, found: Comparison) -> dict[str, Any]:
    values = {"all": found.first, "without": found.second, "difference": found.differences}
    told = {name: {key: one[name].to_dict() for key, one in values.items()} for name in found.first}
    told[primary.name]["gain"] = _signed(found.differences[primary.name], primary).to_dict()
    return told


def _signed(difference: Value, measure: Measure) -> Value:
    if measure.better == "higher":
        return difference
    low, high = difference.low, difference.high
    return Value(-difference.value, None if high is None else -high, None if low is None else -low, difference.note)
