"""What the report draws of a regression: counts over a grid and means of tenths, never single cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.figure import Figure, Series
from osler.core.target import target_labels
from osler.tasks import continuous, selective
from osler.tasks.curves import LEAST_IN_BIN, POOLED
from osler.tasks.labels import LEAST_CASES, safe_names

_CELLS = 20
_MOST_TARGETS = 6


def figures(statistics: np.ndarray, *, info: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the figures of each target, of the first six."""
    names = info["names"]
    out: list[Figure] = []
    for number, (name, key) in enumerate(zip(target_labels(info), safe_names(names), strict=True)):
        part = continuous.part(statistics, number)
        part = part[~np.isnan(part[:, continuous.TRUTH])]
        if len(part) >= LEAST_IN_BIN and number < _MOST_TARGETS:
            tail = f"_{key}" if len(names) > 1 else ""
            truth, guess = part[:, continuous.TRUTH], part[:, continuous.GUESS]
            density = _density(truth, guess, name=name, tail=tail)
            out += [density] if any(any(row) for row in density.heat or ()) else []
            out.append(_residuals(truth, guess, name=name, tail=tail))
            out += selective.number_figure(statistics, number, tail=tail)
    return tuple(out)


def _density(truth: np.ndarray, guess: np.ndarray, *, name: str, tail: str) -> Figure:
    # rounded quantiles, so that no edge is a patient's value; what lies beyond is counted in the outer cells
    low, high = np.quantile(np.concatenate([truth, guess]), [0.01, 0.99])
    wanted = min(_CELLS, max(3, round(len(truth) ** 0.5 / 2)))  # finer, and most cells of few cases would hold too few to be told
    step = _readable((high - low) / wanted or 1.0)
    cells = min(2 * wanted, max(1, int(np.ceil(high / step) - np.floor(low / step))))
    edges = (np.floor(low / step) + np.arange(cells + 1)) * step
    inside = (edges[0] + step / 2, edges[-1] - step / 2)
    counts = np.histogram2d(np.clip(truth, *inside), np.clip(guess, *inside), (edges, edges))[0]
    heat = [[float(c) if c >= LEAST_CASES else 0.0 for c in row] for row in counts]
    places = [float(f"{edge:.6g}") for edge in edges]
    note = f"The outer cells hold what lies beyond. {POOLED}"
    return Figure(
        f"observed{tail}", "Predicted and observed", f"Predicted {name}", f"Observed {name}",
        heat=heat, x_edges=places, y_edges=places, note=note,
    )  # fmt: skip


def _readable(step: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(step))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9)))


def _residuals(truth: np.ndarray, guess: np.ndarray, *, name: str, tail: str) -> Figure:
    parts = np.array_split(np.argsort(guess, kind="stable"), min(10, len(guess) // LEAST_IN_BIN))
    error = truth - guess
    middle = np.array([guess[p].mean() for p in parts])
    mean, spread = (np.array([f(error[p]) for p in parts]) for f in (np.mean, np.std))
    text = [[float(f"{v:.4g}") for v in values] for values in (middle, mean, mean - spread, mean + spread)]
    series = (
        Series("no error", [text[0][0], text[0][-1]], [0.0, 0.0], style="reference"),
        Series("mean and standard deviation", text[0], text[1], text[2], text[3], "points"),
    )
    return Figure(f"residuals{tail}", "Errors by prediction", f"Predicted {name}", f"Observed less predicted {name}", series)
