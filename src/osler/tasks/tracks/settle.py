"""Calibration, on letters of cases that no member was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.state import State
from osler.core.target import Target
from osler.tasks.calibration import bounded, platt
from osler.tasks.tracks.scale import logarithmic, standardised

FEWEST = 200  # letters under which a slope is noise
LEAST_SLOPE, MOST_SLOPE = 0.2, 5.0
MOST_STRETCH = 5.0


def settled(raw: np.ndarray, target: Target, *, plan: Mapping[str, Any]) -> State:
    """Return from raw outputs (m, 1) at single letters with `target` (m, 1) of labels `slope` and `intercept` of the logit; of numbers
    those of the standardised value, or of logarithms the `stretch` of 1 + value; each with a sentence on how it was found."""
    seen = target.observed[:, 0]
    own, values = raw[seen, 0], target.values[seen, 0]
    if plan["target.calibration"] == "none":
        return _state("none: switched off in the plan")
    if plan["target.kind"] == "labels":
        found = platt(bounded(own), values)
        return _state(found.sentence.replace("cases", "letters"), slope=found.slope, intercept=found.intercept)
    if len(own) < FEWEST:
        return _state(f"none: {len(own)} letters, fewer than {FEWEST}")
    return _stretched(own, values, plan) if logarithmic(plan) else _line(own, standardised(values, plan))


def _state(how: str, **arrays: np.ndarray) -> State:
    return State(arrays, {"calibration": [how]})


def _stretched(raw: np.ndarray, values: np.ndarray, plan: Mapping[str, Any]) -> State:
    away = (standardised(values, plan) - raw) * plan["target.scale"]
    stretch = float(np.clip(np.exp(np.minimum(away, 50.0)).mean(), 1 / MOST_STRETCH, MOST_STRETCH))
    return _state(f"stretched by {stretch:.3g}, from medians to means: {len(raw)} letters", stretch=np.array([stretch]))


def _line(raw: np.ndarray, wanted: np.ndarray) -> State:
    spread = float(raw.var())
    slope = float(np.cov(raw, wanted, ddof=0)[0, 1]) / spread if spread > 0 else 1.0
    slope = float(np.clip(slope, LEAST_SLOPE, MOST_SLOPE))
    shift = float(wanted.mean() - slope * raw.mean())
    return _state(f"slope and shift: {len(raw)} letters", slope=np.array([slope]), intercept=np.array([shift]))
