"""Who lies next to whom: fidelity, variety, and copies."""

from __future__ import annotations

import numpy as np

BLOCK = 1 << 24  # distances held at once


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return (n, m) float64 Euclidean distances."""
    first, second = one.astype(np.float64), other.astype(np.float64)
    square = np.square(first).sum(1)[:, None] + np.square(second).sum(1)[None] - 2 * first @ second.T
    return np.sqrt(np.maximum(square, 0))


def nearest(one: np.ndarray, other: np.ndarray, *, rank: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (n,) how far the nearest of `other` lies from each of `one`, the one of `rank` after it where asked, and which it is."""
    far, which = np.empty(len(one)), np.empty(len(one), np.int64)
    step = max(1, BLOCK // max(1, len(other)))
    for start in range(0, len(one), step):
        found = distances(one[start : start + step], other)
        at = np.argpartition(found, rank, axis=1)[:, rank]
        which[start : start + step], far[start : start + step] = at, found[np.arange(len(at)), at]
    return far, which


def likeness(real: np.ndarray, made: np.ndarray, *, neighbours: int = 5) -> dict[str, float]:
    """Return how the sets overlap: "precision" and "recall" (Kynkäänniemi et al. 2019), "density" and "coverage" (Naeem et al. 2020).

    Around each case lies a ball that reaches its `neighbours`-th neighbour of its own set. Precision: the share of what was made
    that lies in a ball of a real case; density: in how many of them, by neighbours, which one odd real case cannot raise.
    Recall: the share of real cases that lie in a ball of what was made; coverage: the share of real balls that hold something made.
    """
    near = min(neighbours, len(real) - 1, len(made) - 1)
    own = nearest(real, real, rank=near)[0]
    theirs = nearest(made, made, rank=near)[0]
    inside, recalled, covered = 0.0, 0, 0
    precise = np.zeros(len(made), bool)
    step = max(1, BLOCK // max(1, len(made)))
    for start in range(0, len(real), step):
        found = distances(real[start : start + step], made)
        within = found <= own[start : start + step, None]
        precise |= within.any(0)
        inside += within.sum()
        covered += int(within.any(1).sum())
        recalled += int((found <= theirs[None]).any(1).sum())
    return {
        "precision": float(precise.mean()), "recall": recalled / len(real),
        "density": float(inside / (near * len(made))), "coverage": covered / len(real),
    }  # fmt: skip


def variety(real: np.ndarray, made: np.ndarray) -> float:
    """Return how unlike each other the `made` are, beside `real` (as many of each): the ratio of the median distances to the nearest
    neighbour, or of the spreads, whichever is less. 0 is one picture over and over, 1 is as varied as real ones."""
    count = min(len(real), len(made))
    if count < 3:
        return 1.0
    apart = [float(np.median(nearest(x[:count], x[:count], rank=1)[0])) for x in (made, real)]
    wide = [float(np.sqrt(x[:count].var(0).sum())) for x in (made, real)]
    return min(a / max(b, 1e-12) for a, b in (apart, wide))


def closer(made: np.ndarray, real: np.ndarray) -> float:
    """Return the chance that a distance of `made` is less than one of `real`, ties half: 1/2 where both lie as near to training."""
    order = np.sort(real)
    below = np.searchsorted(order, made, side="left")
    upto = np.searchsorted(order, made, side="right")
    return float(1 - (below + upto).mean() / (2 * len(real)))
