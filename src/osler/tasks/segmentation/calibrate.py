"""From raw outputs to probabilities that mean what they say: one temperature, learned on lines that no member was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from osler.core.marks import UNMARKED
from osler.core.state import State
from osler.core.target import Target
from osler.tasks.calibration import bounded, softened
from osler.tasks.segmentation.lookup import classes, exclusive, regions
from osler.tasks.settings import setting

FEWEST_PLACES = 100  # under which a slope is noise
_SWITCHED_OFF = "none: switched off in the plan"


def settled(raw: np.ndarray, target: Target, *, plan: Mapping[str, Any]) -> State:
    """Return `slope`, one for exclusive labels or one per region, from raw outputs (m, k) at places with `target` (m, channels).

    Temperature scaling (Guo 2017) without shifts: places are a sample in which labels may be more frequent than in whole cases, which
    moves a shift and leaves the slope.
    """
    fit = setting(plan, "target.calibration", default="fitted") == "fitted"
    find = _of_classes if exclusive(target.info) else _of_regions
    found = find(raw, target) if fit else [(1.0, _SWITCHED_OFF)] * (1 if exclusive(target.info) else raw.shape[1])
    slope = np.array([value for value, _ in found])
    return State({"slope": slope}, {"places": len(raw), "calibration": [text for _, text in found]})


def chances(raw: np.ndarray, state: State, *, info: Mapping[str, Any]) -> tuple[np.ndarray, Iterator[np.ndarray]]:
    """Return what is marked of a raw map (k, a, …): the largest raw output's class (1, a, …) of exclusive labels, or (labels, a, …) 1
    where one is not below 0; and yield each label's calibrated probability (a, …) float32. Marks are those that the network was trained to make:
    a shift that makes probabilities honest would make marks smaller than Dice wants them.
    """
    shape = (-1, *[1] * (raw.ndim - 1))
    slope, shift = (
        np.asarray(state.arrays.get(name, start), np.float32).reshape(shape)
        for name, start in (("slope", np.ones(1)), ("intercept", np.zeros(1)))
    )
    logits = raw.astype(np.float32)
    marked = largest(logits)[None] if exclusive(info) else (logits >= 0).astype(np.uint8)
    logits *= slope
    logits += shift
    if exclusive(info):
        logits -= logits.max(axis=0)
        np.exp(logits, out=logits)
        total = logits.sum(axis=0)
        return marked, (logits[label] / total for label in range(1, len(logits)))
    return marked, (1 / (1 + np.exp(-np.clip(one, -80, 80))) for one in logits)


def largest(logits: np.ndarray) -> np.ndarray:
    """Return (a, …) uint8 the first class with the largest logit (k, a, …); four times as fast as argmax across the first axis."""
    number, most = np.zeros(logits.shape[1:], np.uint8), logits[0].copy()
    for label in range(1, len(logits)):
        number[logits[label] > most] = label
        np.maximum(most, logits[label], out=most)
    return number


def _of_classes(raw: np.ndarray, target: Target) -> list[tuple[float, str]]:
    number = classes(target.info)[_values(target, 0)]
    seen = number <= len(target.info["names"])
    return [_temperature(raw[seen], number[seen].astype(np.int64))]


def _of_regions(raw: np.ndarray, target: Target) -> list[tuple[float, str]]:
    found, table = [], regions(target.info)
    for label, channel in enumerate(target.info["channel"]):
        values = _values(target, channel)
        seen = values != UNMARKED
        half = raw[seen, label] / 2  # two classes whose logits lie raw apart
        found.append(_temperature(np.stack([-half, half], axis=1), table[label][values[seen]].astype(np.int64)))
    return found


def _values(target: Target, channel: int) -> np.ndarray:
    return np.where(target.observed[:, channel], target.values[:, channel], UNMARKED).astype(np.uint8)


def _temperature(logits: np.ndarray, truth: np.ndarray) -> tuple[float, str]:
    logits = bounded(logits)
    if len(truth) < FEWEST_PLACES or truth.min() == truth.max():
        return 1.0, f"none: {len(truth)} places are too few, or hold one class"
    slope, _, loss = softened(logits, truth, free=(True, False))
    if loss >= softened(logits, truth, free=(False, False))[2]:
        return 1.0, f"none: it would not improve the log loss ({len(truth)} places)"
    return slope, f"temperature: {len(truth)} places"
