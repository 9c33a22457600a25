"""What the report draws of masks: shares of cases, means of bins, never single cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.figure import Figure, Series
from osler.tasks.curves import LEAST_IN_BIN, POOLED, rounded
from osler.tasks.labels import LEAST_CASES, safe_names
from osler.tasks.segmentation import lines

MOST_LABELS = 6  # with figures of their own
EDGES = np.round(np.linspace(0, 1, 21), 2)
_LIMIT = 1.96  # standard deviations


def figures(statistics: np.ndarray, *, info: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return how Dice is spread over cases, calibration per voxel, expected beside actual Dice, and volumes, of the first six labels."""
    names = info["names"][:MOST_LABELS]
    parts = lines.split(statistics, len(info["names"]))[:, : len(names)]
    keys = [f"_{key}" if len(info["names"]) > 1 else "" for key in safe_names(names)]
    found = [*_dice(parts, names), *_calibration(parts, names), *_quality(parts)]
    for label, (name, key) in enumerate(zip(names, keys, strict=True)):
        found += _volumes(parts[:, label], name=name, key=key, axes=info["axes"])
    return tuple(found)


def _dice(parts: np.ndarray, names: list[str]) -> list[Figure]:
    """Return how many cases of each label have a Dice of at least so much: a falling line each, at 21 places."""
    series = []
    for label, name in enumerate(names):
        known = lines.dice(parts[:, label])
        known = known[~np.isnan(known)]
        if len(known) >= LEAST_IN_BIN:
            counts = np.histogram(known, EDGES)[0]
            middles = rounded((EDGES[1:] + EDGES[:-1]) / 2)
            series.append(Series(str(name), middles, [float(c) if c >= LEAST_CASES else 0.0 for c in counts], style="step"))
    return [Figure("dice_cases", "Dice over cases", "Dice", "Cases", tuple(series), note=POOLED)] if series else []


def _calibration(parts: np.ndarray, names: list[str]) -> list[Figure]:
    bins = np.nan_to_num(parts[:, :, lines.FIRST_BIN :]).reshape(len(parts), len(names), 3, lines.BINS)
    series = [Series("ideal", [0.0, 1.0], [0.0, 1.0], style="reference")]
    for label, name in enumerate(names):
        size, chance, truth = bins[:, label].sum(axis=0)
        # a bin tells how often places of many cases are true, never of a few
        shown = ((bins[:, label, 0] > 0).sum(axis=0) >= LEAST_CASES) & (size > 0)
        if shown.any():
            series.append(Series(str(name), rounded(chance[shown] / size[shown]), rounded(truth[shown] / size[shown])))
    note = "Over places where the label is true or has a probability of at least 1%."
    labels = "Predicted probability", "Observed share"
    return (
        [Figure("calibration", "Calibration of places", *labels, tuple(series), square=True, note=note)]
        if len(series) > 1
        else []
    )


def _quality(parts: np.ndarray) -> list[Figure]:
    """Return the actual Dice over the expected one, as means of up to ten bins of cases."""
    actual, expected = lines.dice(parts).reshape(-1), lines.expected(parts).reshape(-1)
    known = ~np.isnan(actual) & ~np.isnan(expected)
    binned = _bins(expected[known], actual[known])
    if binned is None:
        return []
    middle, mean, spread = binned
    ends = rounded(np.array([max(0.0, middle.min() - 0.05), min(1.0, middle.max() + 0.05)]))
    series = (
        Series("expected as it is", ends, ends, style="reference"),
        Series(
            "mean and standard deviation",
            rounded(middle),
            rounded(mean),
            rounded(mean - spread),
            rounded(mean + spread),
            "points",
        ),
    )
    return [Figure("quality", "Expected and actual Dice", "Expected Dice", "Actual Dice", series)]


def _volumes(part: np.ndarray, *, name: str, key: str, axes: int) -> list[Figure]:
    """Return predicted less true volume over their mean (Bland and Altman 1986), as means of bins, with limits of agreement."""
    true, marked = part[:, lines.VOLUME], part[:, lines.VOLUME_MARKED]
    known = ~np.isnan(true) & ~np.isnan(marked) & (true + marked > 0)
    middle, away = (true[known] + marked[known]) / 2, marked[known] - true[known]
    binned = _bins(middle, away)
    if binned is None:
        return []
    bias, spread = float(away.mean()), float(away.std(ddof=1))
    at, mean, within = [[float(f"{v:.4g}") for v in values] for values in binned]
    ends, low, high = [at[0], at[-1]], np.subtract(mean, within), np.add(mean, within)
    levels = {
        "no difference": 0.0,
        "mean difference": bias,
        "lower limit of agreement": bias - _LIMIT * spread,
        "upper limit of agreement": bias + _LIMIT * spread,
    }
    series = (
        *(Series(label, ends, [float(f"{level:.4g}")] * 2, style="reference") for label, level in levels.items()),
        Series("mean and standard deviation", at, mean, low.tolist(), high.tolist(), "points"),
    )
    unit = "ml" if axes == 3 else "mm²"
    labels = f"Mean of predicted and true: {name} ({unit})", f"Predicted less true: {name} ({unit})"
    return [Figure(f"volume{key}", "Predicted and true volume", *labels, series)]


def _bins(across: np.ndarray, up: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return mean of `across`, mean and standard deviation of `up` in up to ten bins of at least ten, None where there are too few."""
    if len(across) < 2 * LEAST_IN_BIN:
        return None
    bins = np.array_split(np.argsort(across, kind="stable"), min(10, len(across) // LEAST_IN_BIN))
    return tuple(
        np.array([find(values[rows]) for rows in bins]) for values, find in ((across, np.mean), (up, np.mean), (up, np.std))
    )  # type: ignore[return-value]
