"""Recalibration of settled outputs on new cases: what may be tried, and the state after it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.state import State
from osler.core.target import Target
from osler.core.update import Update, Updates
from osler.tasks.calibration import FOR_INTERCEPT, FOR_SLOPE, LEAST_SLOPE, bounded, fitted, softened, surprise

LEAST_SHIFT, LEAST_STRETCH = 20, 50  # cases under which a mean error, or a slope, of numbers is noise


def of_labels(logits: np.ndarray, target: Target, *, state: State) -> Updates:
    """Return the updates of settled `logits` (n, L): none, an intercept per label, an intercept and a slope per label.

    A label with fewer than 10 cases of its rarer class keeps its outputs, with fewer than 20 its slope.
    """
    columns = [_label(bounded(logits[seen, at]), target.values[seen, at]) for at, seen in enumerate(target.observed.T)]
    rarer = [column[0] for column in columns]
    levels = [("none", 0), *([("intercept", 1)] if max(rarer) >= FOR_INTERCEPT else [])]
    levels += [("slope", 2)] if max(rarer) >= FOR_SLOPE else []
    ladder = []
    for name, level in levels:
        lines = [column[1][min(level, len(column[1]) - 1)] for column in columns]
        pairs = np.array([line[:2] for line in lines])
        arrays = _composed(state, pairs[:, 0], pairs[:, 1]) if level else {}
        ladder.append(Update(name, sum(line[2] for line in lines), sum(line[3] for line in lines), arrays))
    ladder = _nested(ladder)
    return Updates(tuple(ladder), float(min(rarer)), f"{min(rarer)} cases of the rarer class among {len(logits)}")


_Line = tuple[float, float, int, float]  # slope, intercept, parameters, deviance


def _label(logit: np.ndarray, truth: np.ndarray) -> tuple[int, list[_Line]]:
    """Return the cases of the rarer class, and the lines from no change to the fullest that they allow."""
    size = len(truth)
    events = int(min(truth.sum(), size - truth.sum()))
    found: list[_Line] = [(1.0, 0.0, 0, 2 * size * surprise(logit, truth) if size else 0.0)]
    for least, free in ((FOR_INTERCEPT, False), (FOR_SLOPE, True)):
        if events < least:
            break
        slope, shift = fitted(logit, truth, free_slope=free)
        if slope >= LEAST_SLOPE:  # else the order of cases would turn around
            found.append((slope, shift, 1 + free, 2 * size * surprise(slope * logit + shift, truth)))
    return events, found


def of_classes(logits: np.ndarray, target: Target, *, state: State) -> Updates:
    """Return the updates of settled `logits` (n, k): none, a temperature (one slope for all classes, Guo 2017), a shift per class,
    shifts and a common slope.

    A temperature asks for no case of any one class, only for 40 cases and five more for each class, ten of them not of the most
    frequent one. It is no part of shifts alone, so where these are the fullest that the cases allow it is not tried beside them.
    """
    seen = target.observed[:, 0]
    kept, truth = bounded(logits[seen]), target.values[seen, 0].astype(np.int64)
    classes = logits.shape[1]
    sizes = np.bincount(truth, minlength=classes)
    rarest = int(sizes.min())
    warm = len(truth) >= 2 * FOR_SLOPE + 5 * classes and len(truth) - sizes.max() >= FOR_INTERCEPT
    ladder = [Update("none", 0, softened(kept, truth, free=(False, False))[2])]
    for name, allowed, free in (
        ("temperature", warm and not FOR_INTERCEPT <= rarest < FOR_SLOPE, (True, False)),
        ("intercept", rarest >= FOR_INTERCEPT, (False, True)),
        ("slope", rarest >= FOR_SLOPE, (True, True)),
    ):
        if allowed:
            slope, shift, deviance = softened(kept, truth, free=free)
            arrays = _composed(state, np.array([slope]), shift)
            ladder.append(Update(name, (classes - 1) * free[1] + free[0], deviance, arrays))
    return Updates(tuple(ladder), float(rarest), f"{rarest} cases of the rarest class among {len(truth)}")


def of_numbers(guess: np.ndarray, wanted: np.ndarray, *, state: State) -> Updates:
    """Return the updates of settled `guess` (n, L) towards `wanted` (n, L), NaN where unobserved, on the standardised scale:
    none, a shift per target, a shift and a stretch per target."""
    columns = [_number(guess[~np.isnan(w), at], w[~np.isnan(w)]) for at, w in enumerate(wanted.T)]
    ladder = []
    for level, name in enumerate(("none", "intercept", "slope")):
        if max(len(column) for column in columns) <= level:
            break
        lines = [column[min(level, len(column) - 1)] for column in columns]
        pairs = np.array([line[:2] for line in lines])
        arrays = _composed(state, pairs[:, 0], pairs[:, 1]) if level else {}
        ladder.append(Update(name, sum(line[2] for line in lines), sum(line[3] for line in lines), arrays))
    ladder = _nested(ladder)
    least = int((~np.isnan(wanted)).sum(axis=0).min())
    return Updates(tuple(ladder), float(least), f"{least} cases in all")


def _nested(ladder: list[Update]) -> list[Update]:
    """Return the updates without those that fit no more than the one before (a slope that was not to be had)."""
    return ladder[:1] + [one for before, one in pairwise(ladder) if one.parameters > before.parameters]


def _number(guess: np.ndarray, wanted: np.ndarray) -> list[_Line]:
    found: list[_Line] = [(1.0, 0.0, 0, _gaussian(wanted - guess))]
    if len(wanted) >= LEAST_SHIFT:
        shift = float((wanted - guess).mean())
        found.append((1.0, shift, 1, _gaussian(wanted - guess - shift)))
    centred = guess - guess.mean() if len(guess) else guess
    if len(wanted) >= LEAST_STRETCH and np.ptp(guess) > 1e-9:
        slope = float(centred @ wanted / (centred @ centred))
        shift = float(wanted.mean() - slope * guess.mean())
        if slope >= LEAST_SLOPE:
            found.append((slope, shift, 2, _gaussian(wanted - shift - slope * guess)))
    return found


def _gaussian(errors: np.ndarray) -> float:
    """Return twice the negative log-likelihood of normal errors whose variance is their own, but for a constant."""
    return float(len(errors) * np.log(max(float(np.mean(errors**2)), 1e-300))) if len(errors) else 0.0


def _composed(state: State, slope: np.ndarray, shift: np.ndarray) -> dict[str, np.ndarray]:
    """Return slope and intercept of the update after those of `state`: both act on raw outputs in one step."""
    before = state.arrays.get("slope", np.ones(1)), state.arrays.get("intercept", np.zeros(1))
    return {"slope": slope * before[0], "intercept": slope * before[1] + shift}


def settled_anew(
    task: Task, raw: np.ndarray, target: Target, *, arrays: Mapping[str, np.ndarray], plan: Mapping[str, Any],
    groups: np.ndarray | None = None,
) -> State:  # fmt: skip
    """Return the state with slope and intercept `arrays` as they are, and all that rests on them (thresholds, spread of errors,
    conformal sets and intervals) learned from raw outputs (n, k) of these cases in `groups` (n,)."""
    settled = arrays["slope"] * raw + arrays["intercept"]
    fixed = {**plan, "target.calibration": "none"}
    state = task.settle(settled, target, np.arange(len(target)), plan=fixed, groups=groups)
    return State({**state.arrays, **arrays}, state.values)
