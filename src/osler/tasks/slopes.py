"""How far probabilities are from honest: logistic recalibration of the logit, for many resamples at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

_LONGEST_STEP = 3.0  # in standard deviations of the logit: Newton's method overshoots from afar
_STEPS = 30
_SETTLED, _SETTLED_AMONG = 1e-9, 1e-4


@dataclass(frozen=True, slots=True)
class Cells:
    """Cases that share a logit: `logit` (m,), and per resample how many there are (r, m) and how many of them are positive."""

    logit: np.ndarray
    total: np.ndarray
    positive: np.ndarray


def slope_and_intercept(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Return the calibration slope and the calibration intercept (r,) of each resample.

    The slope is that of a logistic regression of the outcome on the logit; the intercept is calibration in the large: fitted
    with the logit as offset, slope one (Cox 1958; Van Calster 2016). NaN where they do not exist: one class, all logits
    equal, or perfect separation.
    """
    return _slope(cells), _intercept(cells)


def _slope(cells: Cells) -> np.ndarray:
    resamples = len(cells.total)
    centre, spread = float(np.mean(cells.logit)), float(np.std(cells.logit))
    if not spread > 1e-12 * max(1.0, abs(centre)):
        return np.full(resamples, np.nan)
    powers = np.stack([np.ones(len(cells.logit)), z := (cells.logit - centre) / spread, z**2], axis=1)
    start = np.array([[centre, spread]])  # the identity, in standardised logits
    if resamples > 1:
        known = _solved(_together(cells), powers, start=start)
        start = known if np.isfinite(known).all() else start
    return np.asarray(_solved(cells, powers, start=start)[:, 1] / spread)


def _together(cells: Cells) -> Cells:
    """Return all resamples as one: from its solution theirs are a step or two away."""
    return Cells(cells.logit, cells.total.sum(axis=0, keepdims=True), cells.positive.sum(axis=0, keepdims=True))


def _solved(cells: Cells, powers: np.ndarray, *, start: np.ndarray) -> np.ndarray:
    """Return intercept and slope (r, 2) of each resample by Newton's method from `start` (1, 2); NaN where there are none."""
    coefficient = np.repeat(start, len(cells.total), axis=0)
    last = np.full(len(coefficient), np.inf)
    active, settled = _both_classes(cells), _settled(len(coefficient))
    for _ in range(_STEPS):
        rows = np.flatnonzero(active & (last > settled))
        if not len(rows):
            break
        step = _newton(coefficient[rows], powers, cells.total[rows], cells.positive[rows])
        coefficient[rows] += step
        last[rows] = np.abs(step).max(axis=1)
    return np.where((active & (last <= settled))[:, None], coefficient, np.nan)


def _settled(resamples: int) -> float:
    """Return the step after which Newton's method ends: its error is then about the square of it, and of many resamples only
    the spread is wanted."""
    return _SETTLED if resamples == 1 else _SETTLED_AMONG


def _newton(coefficient: np.ndarray, powers: np.ndarray, total: np.ndarray, positive: np.ndarray) -> np.ndarray:
    chance = expit(coefficient @ powers[:, :2].T)
    expected = total * chance
    gradient = (positive - expected) @ powers[:, :2]
    curve = (expected * (1 - chance)) @ powers
    determinant = curve[:, 0] * curve[:, 2] - curve[:, 1] ** 2
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        step = (
            np.stack(
                [
                    curve[:, 2] * gradient[:, 0] - curve[:, 1] * gradient[:, 1],
                    curve[:, 0] * gradient[:, 1] - curve[:, 1] * gradient[:, 0],
                ],
                axis=1,
            )
            / determinant[:, None]
        )
    step = np.nan_to_num(step, nan=_LONGEST_STEP, posinf=_LONGEST_STEP, neginf=-_LONGEST_STEP)
    return np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)


def _intercept(cells: Cells) -> np.ndarray:
    known = _shifts(_together(cells), start=0.0)[0] if len(cells.total) > 1 else 0.0
    return _shifts(cells, start=float(known) if np.isfinite(known) else 0.0)


def _shifts(cells: Cells, *, start: float) -> np.ndarray:
    events = cells.positive.sum(axis=1)
    shift = np.full(len(cells.total), start)
    last = np.full(len(shift), np.inf)
    active, settled = _both_classes(cells), _settled(len(shift))
    for _ in range(_STEPS):
        rows = np.flatnonzero(active & (last > settled))
        if not len(rows):
            break
        chance = expit(cells.logit + shift[rows, None])
        expected = cells.total[rows] * chance
        curve = np.maximum((expected * (1 - chance)).sum(axis=1), 1e-300)
        step = np.clip((events[rows] - expected.sum(axis=1)) / curve, -_LONGEST_STEP, _LONGEST_STEP)
        shift[rows] += step
        last[rows] = np.abs(step)
    return np.where(active & (last <= settled), shift, np.nan)


def _both_classes(cells: Cells) -> np.ndarray:
    events = cells.positive.sum(axis=1)
    return (events > 0) & (events < cells.total.sum(axis=1))
