"""The loss by which candidates are compared: that of the network."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax


def losses(kind: str, raw: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return (m,): log loss of logits (m, 1) or (m, k), or the squared error of (m, 1)."""
    if kind == "regression":
        return np.square(raw[:, 0] - values)
    if kind == "multiclass":
        return -log_softmax(raw, axis=1)[np.arange(len(raw)), values.astype(np.int64)]
    return np.logaddexp(0, raw[:, 0]) - values * raw[:, 0]


def mean_loss(kind: str, raw: np.ndarray, values: np.ndarray, *, weight: np.ndarray) -> float:
    """Return the weighted mean of `losses`."""
    return float(np.average(losses(kind, raw, values), weights=weight))


def prior(kind: str, values: np.ndarray, *, width: int, weight: np.ndarray) -> np.ndarray:
    """Return the raw output (k,) of the best guess that knows no feature; half a case is added to each class.

    `weight` (m,) has a mean of one.
    """
    if kind == "regression":
        return np.array([np.average(values, weights=weight) if len(values) else 0.0])
    classes = 2 if kind == "binary" else width
    share = np.bincount(values.astype(np.int64), weights=weight, minlength=classes) + 0.5
    logits = np.log(share / share.sum())
    return logits[1:] - logits[0] if kind == "binary" else logits - logits.mean()
