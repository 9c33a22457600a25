"""What a prediction says, as linear functions of the raw outputs: the scales on which explanations add up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.attribution import Answer
from osler.core.state import State
from osler.core.target import logarithms
from osler.tasks.classes import positives
from osler.tasks.labels import safe_names


def of_classes(state: State, *, info: Mapping[str, Any]) -> tuple[Answer, ...]:
    """Return one answer per class and label: calibrated log-odds; of three or more classes relative to their mean, since a
    number added to all of their logits changes nothing."""
    if info["kind"] == "multiclass":
        return _of_many(state, info)
    names = list(info["names"])
    slope, intercept = _calibration(state, len(names))
    answers = []
    for at, (name, pair, positive) in enumerate(zip(names, info["classes"], positives(info), strict=True)):
        weights = np.eye(len(names))[at] * slope[at]
        column = _column(info, at)
        answers.append(Answer(name, positive, column, weights, float(intercept[at]), scale="log-odds"))
        other = pair[0] if pair[1] == positive else pair[1]
        column = _column(info, at, level=other) if info["kind"] == "binary" else ""
        answers.append(Answer(name, other, column, -weights, -float(intercept[at]), main=False, scale="log-odds"))
    return tuple(answers)


def of_numbers(state: State, *, info: Mapping[str, Any], mean: np.ndarray, scale: np.ndarray) -> tuple[Answer, ...]:
    """Return one answer per target, in its unit; of one that is held as its logarithm that is its scale."""
    names = info["names"]
    slope, intercept = _calibration(state, len(names))
    columns = [f"predicted_{name}" for name in safe_names(names)]
    return tuple(
        Answer(name, "", columns[at], np.eye(len(names))[at] * scale[at] * slope[at], float(mean[at] + scale[at] * intercept[at]),
               scale="logarithm" if log else "value")
        for at, (name, log) in enumerate(zip(names, logarithms(info), strict=True))
    )  # fmt: skip


def _of_many(state: State, info: Mapping[str, Any]) -> tuple[Answer, ...]:
    levels = list(info["classes"][0])
    slope, intercept = _calibration(state, len(levels))
    weights = (np.eye(len(levels)) - 1 / len(levels)) * slope[0]
    shift = intercept - intercept.mean()
    columns = [f"probability_{name}" for name in safe_names(levels)]
    return tuple(
        Answer(info["names"][0], level, columns[at], weights[at], float(shift[at]), main=False, scale="relative log-odds")
        for at, level in enumerate(levels)
    )


def _column(info: Mapping[str, Any], at: int, *, level: str = "") -> str:
    if info["kind"] == "multilabel":
        return f"probability_{safe_names(info['names'])[at]}"
    classes = list(info["classes"][0])
    return f"probability_{safe_names(classes)[classes.index(level or positives(info)[0])]}"


def _calibration(state: State, width: int) -> tuple[np.ndarray, np.ndarray]:
    slope = state.arrays.get("slope", np.ones(1))
    intercept = state.arrays.get("intercept", np.zeros(1))
    return np.broadcast_to(slope, (width,)).astype(float), np.broadcast_to(intercept, (width,)).astype(float)
