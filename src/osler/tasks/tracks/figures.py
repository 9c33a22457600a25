"""What the report draws of tracks: aggregates over the letters of all cases, never a single case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit

from osler.core.figure import Figure, Series
from osler.tasks.curves import LEAST_IN_BIN, POOLED, rounded
from osler.tasks.labels import LEAST_CASES
from osler.tasks.tracks import lines

GRID = np.linspace(0, 1, 101)
PARTS = 16  # of the probabilities, in a figure of their calibration


def figures(statistics: np.ndarray, *, info: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return of labels the ROC and the precision-recall curve and the calibration over letters, of numbers what is true by what is
    predicted, and of both how the measure of single cases is spread."""
    if info["kind"] != "labels":
        alone = statistics[:, lines.CASE_PEARSON]
        return (*_by_guess(statistics), *_spread(alone, "Correlation over cases", "Pearson correlation", low=-1.0))
    alone = statistics[:, lines.CASE_AUROC]
    return (*_curves(statistics), *_calibration(statistics), *_spread(alone, "AUROC over cases", "AUROC", low=0.0))


def _bins(statistics: np.ndarray) -> np.ndarray:
    """Return (n, 2, bins): the letters without and with the label."""
    return np.nan_to_num(statistics[:, lines.FIRST_BIN :]).reshape(len(statistics), 2, lines.BINS)


def _curves(statistics: np.ndarray) -> list[Figure]:
    bins = _bins(statistics).sum(axis=0)[:, ::-1]
    false, hits = (np.append(0.0, np.cumsum(part)) for part in bins)
    if min(false[-1], hits[-1]) < LEAST_IN_BIN:
        return []
    reached = np.interp(GRID, false / false[-1], hits / hits[-1])
    share = hits[-1] / (hits[-1] + false[-1])
    precision = np.interp(
        GRID[1:], hits / hits[-1], np.divide(hits, hits + false, out=np.ones_like(hits), where=hits + false > 0)
    )
    chance = Series("chance", [0.0, 1.0], [0.0, 1.0], style="reference")
    prevalence = Series("prevalence", [0.0, 1.0], rounded(np.full(2, share)), style="reference")
    return [
        Figure("roc", "ROC curve", "False-positive rate", "Sensitivity", (Series("model", rounded(GRID), rounded(reached)), chance), square=True),
        Figure("pr", "Precision-recall curve", "Recall", "Precision", (Series("model", rounded(GRID[1:]), rounded(precision)), prevalence), square=True),
    ]  # fmt: skip


def _calibration(statistics: np.ndarray) -> list[Figure]:
    bins = _bins(statistics)
    part = np.minimum((expit(lines.MIDDLES) * PARTS).astype(np.int64), PARTS - 1)
    counts = np.stack([bins[:, :, part == at].sum(axis=2) for at in range(PARTS)], axis=2)  # (n, 2, parts)
    size = counts.sum(axis=(0, 1))
    chance = np.bincount(part, expit(lines.MIDDLES) * bins.sum(axis=(0, 1)), PARTS)
    shown = ((counts.sum(axis=1) > 0).sum(axis=0) >= LEAST_CASES) & (size >= LEAST_IN_BIN)
    if not shown.any():
        return []
    series = (
        Series("ideal", [0.0, 1.0], [0.0, 1.0], style="reference"),
        Series("observed", rounded(chance[shown] / size[shown]), rounded(counts.sum(axis=0)[1, shown] / size[shown])),
    )
    return [Figure("calibration", "Calibration of letters", "Predicted probability", "Observed share", series, square=True)]


def _by_guess(statistics: np.ndarray) -> list[Figure]:
    bins = np.nan_to_num(statistics[:, lines.FIRST_GUESS :]).reshape(len(statistics), 3, lines.GUESSES)
    size, guess, value = bins.sum(axis=0)
    shown = ((bins[:, 0] > 0).sum(axis=0) >= LEAST_CASES) & (size >= LEAST_IN_BIN)
    if shown.sum() < 2:
        return []
    at, up = ([float(f"{v:.4g}") for v in part[shown] / size[shown]] for part in (guess, value))
    ends = [min(at), max(at)]
    series = (
        Series("equal", ends, ends, style="reference"),
        Series("mean of letters", at, up),
    )
    return [Figure("observed", "Predicted and true values of letters", "Predicted", "Observed", series)]


def _spread(alone: np.ndarray, title: str, label: str, *, low: float) -> list[Figure]:
    """Return how many cases have a measure of so much by themselves."""
    known = alone[~np.isnan(alone)]
    if len(known) < LEAST_IN_BIN:
        return []
    edges = np.linspace(low, 1.0, 21)
    counts = [float(c) if c >= LEAST_CASES else 0.0 for c in np.histogram(known, edges)[0]]
    series = (Series("cases", rounded((edges[1:] + edges[:-1]) / 2), counts, style="bars"),)
    return [Figure("cases", title, label, "Cases", series, note=POOLED)]
