"""Figures of how like the test cases are to those of training: how many are how like, and whether intervals hold among the unlike.

Where coverage falls short of its level on the left, there the model's domain ends: a promise made for cases like those of training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from osler.core.figure import Figure, Series
from osler.core.view import View

BINS = 20  # of the histogram, between 0 and 1
LEAST = 5  # cases of a bar that is shown: fewer could point at one
IN_BAND, MOST_BANDS = 20, 6  # cases of a band of coverage at least, and bands at most
_QUANTILE = 1.96
NOTE = "Bars and bands of fewer than 5 cases are not shown."


def figures(
    likeness: Mapping[str, np.ndarray], views: Sequence[View], statistics: np.ndarray, *, groups: np.ndarray | None = None
) -> Iterator[Figure]:
    """Yield a histogram of each likeness (n,) between 0 and 1, NaN where unknown, and the coverage of each level of `views` by bands of
    it, from the `statistics` (n, s) of the same cases. With `groups` (n,) a band holds as many cases as it has groups."""
    conformal = [view for view in views if view.panel == "conformal"]
    for number, (name, values) in enumerate(likeness.items()):
        tail = f"_{number + 1}" if len(likeness) > 1 else ""
        known = values[np.isfinite(values)]
        if len(known) < LEAST:
            continue
        yield _histogram(name, known, tail=tail)
        bands = _bands(values)
        if conformal and len(bands) > 1:
            yield _coverage(name, values, bands=bands, views=conformal, statistics=statistics, groups=groups, tail=tail)


def _histogram(name: str, values: np.ndarray, *, tail: str) -> Figure:
    edges = np.linspace(0, 1, BINS + 1)
    counts = np.histogram(np.clip(values, 0, 1), edges)[0]
    middles = [float(f"{x:.3f}") for x in (edges[:-1] + edges[1:]) / 2]
    bars = Series("cases", middles, [float(n) if n >= LEAST else 0.0 for n in counts], style="bars")
    return Figure(f"nearness{tail}", "Likeness to training", name, "Number of test cases", (bars,), note=NOTE)


def _bands(values: np.ndarray) -> list[np.ndarray]:
    """Return the places (m,) of each of up to MOST_BANDS bands of about as many cases, the unlike first; equal ones stay together."""
    known = np.flatnonzero(np.isfinite(values))
    count = min(MOST_BANDS, len(known) // IN_BAND)
    if count < 2:
        return []
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, count + 1)[1:-1]))
    place = np.searchsorted(edges, values[known], side="left")
    parts = [known[place == at] for at in range(len(edges) + 1)]
    return [part for part in parts if len(part) >= LEAST]


def _coverage(
    name: str, values: np.ndarray, *, bands: Sequence[np.ndarray], views: Sequence[View], statistics: np.ndarray,
    groups: np.ndarray | None, tail: str,
) -> Figure:  # fmt: skip
    counts = np.zeros((len(bands), len(values)), np.uint8)
    for at, band in enumerate(bands):
        counts[at, band] = 1
    middles = [float(f"{np.median(values[band]):.2f}") for band in bands]
    sizes = np.array([len(band) if groups is None else len(np.unique(groups[band])) for band in bands])
    series: list[Series] = []
    for view in views:
        share = view.measures(statistics, counts)["coverage"]
        seen = np.isfinite(share)
        low, high = _wilson(share[seen], sizes[seen])
        places = [x for x, there in zip(middles, seen, strict=True) if there]
        series.append(Series(view.label, places, _written(share[seen]), _written(low), _written(high), style="points"))
        level = float(view.about["level"]) / 100
        series.append(Series("level", [middles[0], middles[-1]], [level, level], style="reference"))
    return Figure(f"nearness_coverage{tail}", "Coverage by likeness", name, "Share of cases held", tuple(series), note=NOTE)


def _wilson(share: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95% interval of each share of `size` cases (Wilson 1927)."""
    square = _QUANTILE**2
    middle = (share + square / (2 * size)) / (1 + square / size)
    half = _QUANTILE / (1 + square / size) * np.sqrt(share * (1 - share) / size + square / (4 * size**2))
    return np.maximum(0, middle - half), np.minimum(1, middle + half)


def _written(values: np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
