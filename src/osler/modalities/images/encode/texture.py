"""Texture: uniform local binary patterns (Ojala 2002) and grey-level co-occurrence (Haralick 1973), of many pictures at once."""

from __future__ import annotations

import math

import numpy as np

PATTERNS = 10  # rotation invariant and uniform: 0 to 8 brighter neighbours, and all patterns that are not uniform
GREYS = 8
DISTANCES = (1, 2)
MEASURES = ("contrast", "homogeneity", "energy", "correlation")
STEPS = ((0, 1), (1, 1), (1, 0), (1, -1))
_DIAGONAL = round(math.sqrt(0.5), 5)


def pattern_names(scale: str) -> tuple[str, ...]:
    """Return the names of what `patterns` gives."""
    told = [f"{n} of 8 brighter" for n in range(PATTERNS - 1)]
    return tuple(f"texture.{scale} {name}" for name in (*told, "mixed"))


def patterns(pictures: np.ndarray) -> np.ndarray:
    """Return the share of each pattern (n, PATTERNS) of pictures (n, i, j) among the pixels that have all neighbours."""
    count, high, wide = pictures.shape
    if min(high, wide) < 3:
        return np.zeros((count, PATTERNS), np.float32)
    middle = pictures[:, 1:-1, 1:-1]
    around = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]
    brighter = [_neighbour(pictures, i, j) >= middle for i, j in around]
    ones, turns = np.zeros(middle.shape, np.int8), np.zeros(middle.shape, np.int8)
    for here, there in zip(brighter, (*brighter[1:], brighter[0]), strict=True):
        ones += here
        turns += here != there
    codes = np.where(turns <= 2, ones, PATTERNS - 1)
    place = np.arange(count)[:, None, None] * PATTERNS + codes
    sums = np.bincount(place.ravel(), minlength=count * PATTERNS).reshape(count, PATTERNS)
    return (sums / middle[0].size).astype(np.float32)


def _neighbour(pictures: np.ndarray, i: int, j: int) -> np.ndarray:
    """Return the values of the circle's point towards (i, j) for all pixels but the border."""
    high, wide = pictures.shape[1:]
    rows, columns = slice(1 + i, high - 1 + i), slice(1 + j, wide - 1 + j)
    if i == 0 or j == 0:
        return pictures[:, rows, columns]
    own_rows, own_columns = slice(1, high - 1), slice(1, wide - 1)
    near = _between(pictures[:, own_rows, own_columns], pictures[:, own_rows, columns])
    far = _between(pictures[:, rows, own_columns], pictures[:, rows, columns])
    return _between(near, far)


def _between(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    return np.asarray(here + _DIAGONAL * (there - here))


def pair_names() -> tuple[str, ...]:
    """Return the names of what `pairs` gives."""
    return tuple(f"texture.{name} at {d}" for d in DISTANCES for name in MEASURES)


def pairs(pictures: np.ndarray) -> np.ndarray:
    """Return (n, len(pair_names())) float32 of pictures (n, i, j) between 0 and 1: co-occurrence of GREYS grey levels, over
    four directions together and both ways."""
    levels = np.minimum((pictures * GREYS).astype(np.int64), GREYS - 1)
    return np.concatenate([_measured(_counts(levels, d)) for d in DISTANCES], axis=1).astype(np.float32)


def _counts(levels: np.ndarray, distance: int) -> np.ndarray:
    count, high, wide = levels.shape
    found = np.zeros(count * GREYS**2)
    base = np.arange(count)[:, None, None] * GREYS**2
    for down, across in STEPS:
        i, j = distance * down, distance * across
        if high <= i or wide <= abs(j):
            continue
        here = levels[:, : high - i, max(0, -j) : wide - max(0, j)]
        there = levels[:, i:, max(0, j) : wide - max(0, -j)]
        found += np.bincount((base + here * GREYS + there).ravel(), minlength=len(found))
    table = found.reshape(count, GREYS, GREYS)
    return np.asarray(table + table.transpose(0, 2, 1))


def _measured(counts: np.ndarray) -> np.ndarray:
    """Return (n, len(MEASURES)) of counts (n, GREYS, GREYS); flat pictures correlate by 1."""
    shares = counts / np.maximum(counts.sum((1, 2), keepdims=True), 1)
    grey = np.arange(GREYS)
    apart = (grey[:, None] - grey) ** 2
    contrast, homogeneity = (shares * apart).sum((1, 2)), (shares / (1 + apart)).sum((1, 2))
    energy = np.sqrt((shares**2).sum((1, 2)))
    mean = (shares.sum(2) * grey).sum(1)
    spread = (shares.sum(2) * (grey - mean[:, None]) ** 2).sum(1)
    product = (shares * grey[:, None] * grey).sum((1, 2)) - mean**2
    correlation = np.where(spread > 1e-12, product / np.maximum(spread, 1e-12), 1.0)
    return np.stack([contrast, homogeneity, energy, correlation], axis=1)
