"""Where a probability becomes a decision."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from osler.tasks.calibration import FOR_INTERCEPT

_GRID = 201
_WORTH = 20.0  # cases of the rarer class at which what was seen counts as much as what theory says


def balanced(score: np.ndarray, truth: np.ndarray) -> tuple[float, str]:
    """Return the threshold on the probability that maximises balanced accuracy, and how it was found.

    `score` (n,) calibrated logits, `truth` (n,) 0 or 1. For calibrated probabilities Youden's J is greatest where the
    threshold is the prevalence; the threshold seen (on smoothed rates, over a grid, so that it is no patient's value) moves
    it from there by as much as the number of cases warrants.
    """
    positive = float(truth.sum())
    events = min(positive, len(truth) - positive)
    if events < 1:
        return 0.5, "0.5: one class only among the calibration cases"
    prevalence = positive / len(truth)
    theory = float(logit(prevalence))
    if events < FOR_INTERCEPT:
        return prevalence, f"the prevalence: {events:.0f} cases of the rarer class are too few to look further"
    weight = events / (events + _WORTH)
    moved = weight * _best_seen(score, truth, near=theory) + (1 - weight) * theory
    return float(expit(moved)), f"Youden's J, smoothed, on {len(truth)} calibration cases with {events:.0f} of the rarer class"


def _best_seen(score: np.ndarray, truth: np.ndarray, *, near: float) -> float:
    low, high = np.quantile(score, [0.01, 0.99])
    if not high > low:
        return near
    grid = np.linspace(low, high, _GRID)
    rates = [_smooth_rate(np.sort(score[truth == value]), grid) for value in (1, 0)]
    gain = rates[0] - rates[1]
    top = gain >= gain.max() - 0.005  # a flat top has no best point: its middle moves least from sample to sample
    return float(grid[top].mean())


def _smooth_rate(scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    # share of scores above each grid point, each score spread by a logistic kernel; Silverman's width
    quantiles = np.interp(np.linspace(0, 1, 513)[:-1] + 1 / 1024, np.linspace(0, 1, len(scores)), scores)
    width = 0.5 * max(float(np.std(scores)), 1e-9) * len(scores) ** -0.2
    return expit((quantiles[:, None] - grid) / width).mean(axis=0)
