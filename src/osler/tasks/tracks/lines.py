"""The line of statistics that a case leaves: all that the measures need of its letters, so that cases are streamed and resampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.ranks import areas

# Of labels, over the letters that are known: how many, the sum of the log loss, the AUROC and the average precision of the case alone (NaN
# where it lacks 0 or 1), the sum of the probabilities; then how many letters without and with the label have their calibrated logit in each bin.
COUNT, LOSS, CASE_AUROC, CASE_AUPRC, CHANCE = range(5)
FIRST_BIN = 5
BINS = 480
LIMIT = 12.0  # of logits: the outermost bins hold what lies beyond
EDGES = np.linspace(-LIMIT, LIMIT, BINS + 1)
MIDDLES = (EDGES[1:] + EDGES[:-1]) / 2
LABEL_WIDTH = FIRST_BIN + 2 * BINS
# Of numbers: how many, the sums of the value, of the prediction (both less a middle), of their squares and product, of the error without
# sign and squared, the Pearson correlation of the case alone; then in bins of the standardised prediction how many, their prediction, their value.
Y, YY, G, GG, YG, ABSOLUTE, SQUARED, CASE_PEARSON = range(1, 9)
FIRST_GUESS = 9
GUESSES = 24
GUESS_LIMIT = 3.0
NUMBER_WIDTH = FIRST_GUESS + 3 * GUESSES


def width(info: Mapping[str, Any]) -> int:
    """Return how many statistics a case has."""
    return LABEL_WIDTH if info["kind"] == "labels" else NUMBER_WIDTH


def of_labels(logit: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the line of calibrated logits (length,) beside the labels (length,), NaN where one is not known."""
    known = ~np.isnan(truth)
    score, label = logit[known], truth[known] > 0
    loss = np.logaddexp(0.0, np.where(label, -score, score)).sum()
    place = np.clip((score + LIMIT) / (2 * LIMIT) * BINS, 0, BINS - 1).astype(np.int64)
    bins = [np.bincount(place[label == value], minlength=BINS) for value in (False, True)]
    auroc, auprc = _areas(score, label)
    return np.concatenate([[known.sum(), loss, auroc, auprc, (1 / (1 + np.exp(-score))).sum()], *bins]).astype(np.float64)


def _areas(score: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Return the AUROC and the average precision of one case, ties counting half."""
    if not len(score):
        return np.nan, np.nan
    _, run = np.unique(-score, return_inverse=True)
    total, hits = np.bincount(run).astype(float), np.bincount(run, label).astype(float)
    auroc, auprc = areas(total[None], hits[None])
    return float(auroc[0]), float(auprc[0])


def of_numbers(guess: np.ndarray, truth: np.ndarray, *, middle: float, unit: float) -> np.ndarray:
    """Return the line of predictions (length,) beside the values (length,), NaN where one is not known; `middle` is taken off both, so that
    sums of squares keep their digits, and `unit` is a standard deviation."""
    known = ~np.isnan(truth)
    y, g = truth[known] - middle, guess[known] - middle
    sums = [known.sum(), y.sum(), (y**2).sum(), g.sum(), (g**2).sum(), (y * g).sum(), np.abs(g - y).sum(), ((g - y) ** 2).sum()]
    place = np.clip((g / unit + GUESS_LIMIT) / (2 * GUESS_LIMIT) * GUESSES, 0, GUESSES - 1).astype(np.int64)
    bins = [np.bincount(place, weight, GUESSES) for weight in (None, g + middle, y + middle)]
    return np.concatenate([sums, [correlation(np.array([sums[:6]]))[0]], *bins]).astype(np.float64)


def correlation(sums: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation (r,) from `sums` (r, 6) of ones, y, y², g, g² and y g; NaN where one side does not vary."""
    size, y, yy, g, gg, yg = sums.T
    size = np.maximum(size, 1)
    spread_y, spread_g = yy - y**2 / size, gg - g**2 / size
    there = (spread_y > 1e-12 * np.maximum(yy, 1e-300)) & (spread_g > 1e-12 * np.maximum(gg, 1e-300))
    under = np.sqrt(np.where(there, spread_y * spread_g, 1.0))
    return np.where(there, np.clip((yg - y * g / size) / under, -1.0, 1.0), np.nan)
