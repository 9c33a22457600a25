"""Whether slices that were translated one by one still make one volume: the step from each slice to the next, beside that of real ones."""

from __future__ import annotations

import numpy as np


def step(image: np.ndarray, body: np.ndarray) -> float:
    """Return the mean absolute difference between neighbouring slices of a volume (channels, i, j, k), where both lie in the `body`
    (i, j, k); NaN where no two do.

    >>> step(np.arange(3.0).reshape(1, 1, 1, 3), np.ones((1, 1, 3), bool))
    1.0
    """
    both = body[..., 1:] & body[..., :-1]
    return float(np.abs(np.diff(image, axis=-1))[:, both].mean()) if both.any() else float("nan")


def steps(found: np.ndarray, truth: np.ndarray, body: np.ndarray) -> tuple[float, float]:
    """Return the step of a translated volume over that of the real one (1: as smooth; above: slices flicker), and the error of the steps,
    the mean absolute difference of both volumes' steps over the real step."""
    real = step(truth, body)
    if not real > 0:
        return float("nan"), float("nan")
    return step(found, body) / real, step(found - truth, body) / real
