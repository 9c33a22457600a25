"""How far probabilities are from honest: logistic recalibration of the logit, for many resamples at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

_LONGEST_STEP = 3.0  # in standard deviations of the logit: Newton's method overshoots from afar
_STEPS = 30
_SETTLED = 1e-9


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
    coefficient = np.tile([centre, spread], (resamples, 1))  # the identity, in standardised logits
    last = np.full(resamples, np.inf)
    active = _both_classes(cells)
    out = np.full(resamples, np.nan)
    for _ in range(_STEPS):
        rows = np.flatnonzero(active & (last > _SETTLED))
        if not len(rows):
            break
        step = _newton(coefficient[rows], powers, cells.total[rows], cells.positive[rows])
        coefficient[rows] += step
        last[rows] = np.abs(step).max(axis=1)
    done = active & (last < 1e-6)
    out[done] = coefficient[done, 1] / spread
    return out


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
    events = cells.positive.sum(axis=1)
    shift = np.zeros(len(cells.total))
    last = np.full(len(shift), np.inf)
    active = _both_classes(cells)
    for _ in range(_STEPS):
        rows = np.flatnonzero(active & (last > _SETTLED))
        if not len(rows):
            break
        chance = expit(cells.logit + shift[rows, None])
        expected = cells.total[rows] * chance
        curve = np.maximum((expected * (1 - chance)).sum(axis=1), 1e-300)
        step = np.clip((events[rows] - expected.sum(axis=1)) / curve, -_LONGEST_STEP, _LONGEST_STEP)
        shift[rows] += step
        last[rows] = np.abs(step)
    return np.where(active & (last < 1e-6), shift, np.nan)


def _both_classes(cells: Cells) -> np.ndarray:
    events = cells.positive.sum(axis=1)
    return (events > 0) & (events < cells.total.sum(axis=1))
