"""What mirroring does to pictures: whether it shows, and whether it changes what they say of the target.

Linear probes on small pictures, fitted on one half of the sample and asked on the other. A label about side is told by a
probe that says the opposite of mirrored pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.target import Target

SIDE = 16
AXES = {"horizontal": -1, "vertical": -2}
LEAST = 40  # pictures, below which a probe tells nothing
CLASSES = 20  # of a target that are looked at


def mirrored(pixels: np.ndarray, target: Target | None) -> Mapping[str, Any]:
    """Return by axis `seen`, the share of pictures (n, c, i, j) that a probe tells from their mirror images (a half where
    mirroring does not show, one where it always does), and `kept`, the least share of what a probe tells of the target that is left
    in mirror images: below 0 they say the opposite. None where it cannot be told.
    """
    if len(pixels) < LEAST:
        return {name: {"seen": None, "kept": None} for name in AXES}
    return probed(_small(pixels), target, axes=AXES)


def probed(small: np.ndarray, target: Target | None, *, axes: Mapping[str, int]) -> Mapping[str, Any]:
    """Return by name of `axes` `seen` and `kept`, as `mirrored` has them, of small cases (n, …), each of mean 0 and spread 1."""
    outcomes = np.empty((len(small), 0)) if target is None else _outcomes(target)
    return {name: {"seen": _seen(small, axis), "kept": _kept(small, axis, outcomes)} for name, axis in axes.items()}


def _small(pixels: np.ndarray) -> np.ndarray:
    """Return (n, SIDE, SIDE) means of areas of the channels' mean, each picture scaled to mean 0 and spread 1."""
    grey = np.stack([picture.mean(axis=0, dtype=np.float32) for picture in pixels])
    for axis in (1, 2):
        count = grey.shape[axis]
        edges = np.linspace(0, count, SIDE + 1)
        starts = np.minimum(edges[:-1].astype(int), count - 1)
        ends = np.maximum(np.ceil(edges[1:]).astype(int), starts + 1)
        parts = [grey.take(range(a, b), axis=axis).mean(axis=axis, keepdims=True) for a, b in zip(starts, ends, strict=True)]
        grey = np.concatenate(parts, axis=axis)
    centred = grey - grey.mean((1, 2), keepdims=True)
    return centred / np.maximum(centred.std((1, 2), keepdims=True), 1e-6)


def _seen(small: np.ndarray, axis: int) -> float:
    difference = (small - np.flip(small, axis)).reshape(len(small), -1)
    scores = np.concatenate([difference[b] @ _ridge(difference[a], np.ones((len(a), 1))) for a, b in _halves(len(small))])
    return round(float((scores > 0).mean() + 0.5 * (scores == 0).mean()), 3)


def _kept(small: np.ndarray, axis: int, outcomes: np.ndarray) -> float | None:
    flat, turned = small.reshape(len(small), -1), np.flip(small, axis).reshape(len(small), -1)
    shares = []
    for column in outcomes.T:
        seen = np.flatnonzero(np.isfinite(column))
        if len(seen) < LEAST or column[seen].std() == 0:
            continue
        own, other = np.zeros(len(seen)), np.zeros(len(seen))
        for a, b in _halves(len(seen)):
            values = column[seen[a]]
            weights = _ridge(flat[seen[a]], (values - values.mean())[:, None])[:, 0]
            own[b], other[b] = flat[seen[b]] @ weights, turned[seen[b]] @ weights
        told = _correlation(own, column[seen])
        if told > max(0.1, 3 / np.sqrt(len(seen))):  # else there is nothing that mirroring could change
            shares.append(_correlation(other, column[seen]) / told)
    return round(min(shares), 3) if shares else None


def _outcomes(target: Target) -> np.ndarray:
    """Return (n, outcomes) float64 with NaN: classes one by one, labels, or values."""
    values = np.where(target.observed, target.values.astype(np.float64), np.nan)
    if target.info.get("kind") != "multiclass":
        return values[:, :CLASSES]
    numbers, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    common = numbers[np.argsort(-counts, kind="stable")[:CLASSES]]
    return np.where(np.isfinite(values), values == common, np.nan)


def _halves(count: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    order = np.random.default_rng(0).permutation(count)
    return (order[::2], order[1::2]), (order[1::2], order[::2])


def _ridge(inputs: np.ndarray, values: np.ndarray) -> np.ndarray:
    gram = inputs.T @ inputs
    return np.linalg.solve(gram + np.eye(len(gram)) * (0.1 * len(inputs) + 1e-6), inputs.T @ values)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    spread = one.std() * other.std()
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 0 else 0.0
