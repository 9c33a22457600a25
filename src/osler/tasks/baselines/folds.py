"""Folds that keep groups whole and strata even."""

from __future__ import annotations

import numpy as np


def folds_of(groups: np.ndarray, stratum: np.ndarray, *, count: int, seed: int) -> np.ndarray:
    """Return for each row (n,) its fold, 0 to count - 1: no group in two folds, strata spread evenly over groups.

    A group belongs to the highest stratum among its rows (for a binary outcome: a patient with an event counts as one).
    """
    known, inverse = np.unique(groups, return_inverse=True)
    highest = np.zeros(len(known), np.int64)
    np.maximum.at(highest, inverse, stratum.astype(np.int64))
    shuffled = np.random.default_rng(seed).permutation(len(known))
    order = shuffled[np.argsort(highest[shuffled], kind="stable")]
    fold = np.empty(len(known), np.int64)
    fold[order] = np.arange(len(known)) % count
    return fold[inverse]


def strata(kind: str, values: np.ndarray, *, bins: int = 10) -> np.ndarray:
    """Return what folds keep even: the class, or the bin of a number among its quantiles."""
    if kind != "regression":
        return values.astype(np.int64)
    edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]) if len(values) else np.empty(0)
    return np.searchsorted(edges, values).astype(np.int64)


def spread_rows(stratum: np.ndarray, *, most: int, seed: int) -> np.ndarray:
    """Return at most `most` row numbers, ascending, in which each stratum has its share."""
    if len(stratum) <= most:
        return np.arange(len(stratum))
    shuffled = np.random.default_rng(seed).permutation(len(stratum))
    order = shuffled[np.argsort(stratum[shuffled], kind="stable")]
    return np.sort(order[np.linspace(0, len(order) - 1, most).astype(np.int64)])
