"""From the raw map of a case to the numbers of its letters and its line of statistics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit

from osler.core.errors import OslerError
from osler.core.marks import MarkedCase, Painted
from osler.core.state import State
from osler.tasks.calibration import bounded
from osler.tasks.labels import safe_names
from osler.tasks.tracks import lines
from osler.tasks.tracks.scale import original


def painted(case: MarkedCase, *, state: State, info: Mapping[str, Any], plan: Mapping[str, Any]) -> Painted:
    """Return the probability of the label, or the number, of each letter (1, length), beside what is true of them. Raises OslerError
    where a raw output is not a number."""
    raw = np.concatenate(list(case.slabs()), axis=1)[0].astype(np.float64)
    if np.isnan(raw).any():
        raise OslerError(
            "a case has raw outputs that are not numbers: training has diverged; lower 'fit.learning_rate', or look for extreme values"
        )
    labels = plan["target.kind"] == "labels"
    logit = _logit(raw, state) if labels else raw
    numbers = expit(logit) if labels else original(raw, state, plan)
    if case.truth is None:
        line = np.full(lines.width(info), np.nan)
    elif labels:
        line = lines.of_labels(logit, np.asarray(case.truth[0], np.float64))
    else:
        middle, unit = _middle(plan)
        line = lines.of_numbers(numbers, np.asarray(case.truth[0], np.float64), middle=middle, unit=unit)
    (name,) = safe_names(info["names"])
    cells = {f"mean_{name}": float(numbers.mean()), f"highest_{name}": float(numbers.max())}
    cells |= {f"highest_letter_{name}": float(numbers.argmax() + 1)}
    told = numbers.astype(np.float32)
    return Painted(told[None], line, cells, {f"predicted_{name}": told})


def _logit(raw: np.ndarray, state: State) -> np.ndarray:
    slope, intercept = state.arrays.get("slope", np.ones(1)), state.arrays.get("intercept", np.zeros(1))
    return np.asarray(slope[0] * bounded(raw) + intercept[0])


def _middle(plan: Mapping[str, Any]) -> tuple[float, float]:
    """Return the value in the middle of those of training, and about how far others lie from it."""
    ends = [float(original(np.array([at]), State(), plan)[0]) for at in (-1.0, 0.0, 1.0)]
    return ends[1], max(abs(ends[2] - ends[0]) / 2, 1e-12)
