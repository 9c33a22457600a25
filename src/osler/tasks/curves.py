"""Curves of a two-valued outcome, as aggregates: on grids, in pooled bins, never case by case."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from osler.core.figure import Figure, Series
from osler.tasks.labels import LEAST_CASES

LEAST_IN_BIN = 10
_GRID = 101


def rounded(values: np.ndarray, *, places: int = 4) -> list[float]:
    """Return floats with four decimals: what a drawing can show."""
    return [round(float(v), places) for v in values]


def roc(label: str, score: np.ndarray, truth: np.ndarray) -> Series:
    """Return sensitivity over the false-positive rate on a grid of 101 points."""
    hits, false = _cumulative(score, truth)
    grid = np.linspace(0, 1, _GRID)
    rate = np.interp(grid, false / false[-1], hits / hits[-1])
    rate[0] = 0.0
    return Series(label, rounded(grid), rounded(rate))


def precision_recall(label: str, score: np.ndarray, truth: np.ndarray) -> Series:
    """Return precision over recall on a grid of 100 points: at each, that of the fewest cases that reach the recall."""
    hits, false = _cumulative(score, truth)
    grid = np.linspace(0, 1, _GRID)[1:]
    at = np.minimum(np.searchsorted(hits, np.ceil(grid * hits[-1] - 1e-9)), len(hits) - 1)
    return Series(label, rounded(grid), rounded(hits[at] / (hits[at] + false[at])))


def _cumulative(score: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(order) - 1)
    hits = np.cumsum(truth[order])[ends].astype(float)
    return np.append(0.0, hits), np.append(0.0, ends + 1 - hits)


def calibration(score: np.ndarray, truth: np.ndarray, *, before: np.ndarray | None = None) -> tuple[Series, ...]:
    """Return the diagonal, a smooth curve and up to ten bins of equal size with Wilson's band; `score` are logits (n,).

    `before` are the logits as they were before calibration: they get a smooth curve of their own.
    """
    bins = min(10, len(score) // LEAST_IN_BIN)
    out = [Series("ideal", [0.0, 1.0], [0.0, 1.0], style="reference")]
    if bins < 1:
        return tuple(out)
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    closing = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) + 1  # equal scores stay in one bin
    wanted = np.linspace(0, len(order), bins + 1)[1:].astype(np.int64)
    ends = np.unique(closing[np.searchsorted(closing, wanted)])
    parts = np.split(order, ends[:-1])
    expected = np.array([expit(score[p]).mean() for p in parts])
    seen = np.array([truth[p].mean() for p in parts])
    low, high = wilson_band(seen, np.array([len(p) for p in parts], float))
    curves = {"smooth": score} if before is None else {"smooth": score, "smooth before calibration": before}
    smooth = {label: _smooth(values, truth) for label, values in curves.items()}
    out += [Series(label, rounded(expit(curve[0])), rounded(curve[1])) for label, curve in smooth.items() if curve]
    return (*out, Series("observed", rounded(expected), rounded(seen), rounded(low), rounded(high), "points"))


def wilson_band(share: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Wilson's 95% interval (1927) of each `share` (m,) of `size` (m,) cases."""
    square = 1.96**2
    middle = (share + square / (2 * size)) / (1 + square / size)
    half = 1.96 / (1 + square / size) * np.sqrt(share * (1 - share) / size + square / (4 * size**2))
    return middle - half, middle + half


def calibration_index(score: np.ndarray, truth: np.ndarray) -> float:
    """Return the integrated calibration index (Austin and Steyerberg 2019): the mean distance, over cases, of the smooth curve
    from the diagonal; NaN where there is no curve."""
    curve = _smooth(score, truth)
    if curve is None:
        return float("nan")
    return float(np.abs(np.interp(score, *curve) - expit(score)).mean())


def _smooth(score: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    # local linear regression of the outcome on the logit, over runs of neighbours so that its cost does not grow with n
    if len(score) < 5 * LEAST_IN_BIN or truth.min() == truth.max():
        return None
    order = np.argsort(score, kind="stable")
    edges = np.linspace(0, len(order), min(500, len(order) // LEAST_IN_BIN) + 1).astype(np.int64)
    size = np.diff(edges).astype(float)
    x, y = (np.add.reduceat(v[order].astype(float), edges[:-1]) / size for v in (score, truth))
    width = max(float(np.std(score)) * 1.5 * len(score) ** -0.2, 1e-6)
    grid = np.linspace(x[0], x[-1], 50)
    away = x - grid[:, None]
    weight = size * np.exp(-0.5 * (away / width) ** 2)
    s0, s1, s2 = (np.sum(weight * away**power, axis=1) for power in range(3))
    t0, t1 = np.sum(weight * y, axis=1), np.sum(weight * away * y, axis=1)
    spread = s0 * s2 - s1**2
    level = spread <= 1e-12 * s0 * s0  # scores are as good as equal here: the mean alone is known
    line = np.divide(s2 * t0 - s1 * t1, spread, out=t0 / s0, where=~level)
    return grid, np.clip(line, 0, 1)


def predictions(score: np.ndarray, truth: np.ndarray, labels: Sequence[str]) -> Figure:
    """Return how many cases of each class got which probability, in twenty bins; bins of one to four cases are left out."""
    edges = np.linspace(0, 1, 21)
    middles = rounded((edges[1:] + edges[:-1]) / 2)
    counts = [np.histogram(expit(score[truth == value]), edges)[0] for value in (False, True)]
    series = tuple(
        Series(label, middles, [float(c) if c >= LEAST_CASES else 0.0 for c in count], style="bars")
        for label, count in zip(labels, counts, strict=True)
    )
    return Figure("predictions", "Predicted probabilities", "Predicted probability", "Cases", series, note=POOLED)


POOLED = f"Counts of 1 to {LEAST_CASES - 1} are shown as 0."


def decision(score: np.ndarray, truth: np.ndarray) -> Figure:
    """Return net benefit over the threshold probability beside treating all and none (Vickers and Elkin 2006)."""
    grid = np.linspace(0.01, 0.99, 99)
    prevalence = float(truth.mean())
    odds = grid / (1 - grid)
    edges = logit(grid)
    hits, false = (_share_above(score[truth == value], edges, len(score)) for value in (True, False))
    model, everyone = hits - odds * false, prevalence - odds * (1 - prevalence)
    shown = everyone > -0.25 * prevalence  # below, treating all only squeezes the drawing
    series = (
        # seven places, as net benefits are subtracted from one another
        Series("model", rounded(grid), rounded(model, places=7)),
        Series("treat all", rounded(grid[shown]), rounded(everyone[shown], places=7), style="reference"),
        Series("treat none", [0.01, 0.99], [0.0, 0.0], style="reference"),
    )
    return Figure("decision", "Decision curve", "Threshold probability", "Net benefit", series)


def _share_above(scores: np.ndarray, edges: np.ndarray, cases: int) -> np.ndarray:
    return (len(scores) - np.searchsorted(np.sort(scores), edges, side="left")) / cases
