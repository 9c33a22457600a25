"""How unlike the training cases a case is."""

from __future__ import annotations

import numpy as np

from osler.core.state import State
from osler.generation.embedding.neighbours import LOOKED

_MOST = 20_000  # training cases that distances are taken to, and that a spread is learned of
LEAST_RANKED = 100  # cases beside training from which a distance is told as a place among them too
_MEAN, _TURN, _PLACES = "anomaly.mean", "anomaly.turn", "anomaly.places"


def fitted(vectors: np.ndarray, rows: np.ndarray, *, beside: np.ndarray, seed: int) -> State:
    """Return what `distance` needs, learned from `rows` of `vectors` (n, d): means alone, and percentiles of the distances of the
    cases `beside`, which training did not learn from.

    The covariance is shrunk as Ledoit and Wolf (2004) do, so that it can be turned round whatever the number of cases.
    """
    from sklearn.covariance import ledoit_wolf

    known = vectors[_some(rows, seed)].astype(np.float64)
    covariance, _ = ledoit_wolf(known)
    scale = float(np.trace(covariance)) / len(covariance) or 1.0
    power, axes = np.linalg.eigh(covariance)
    turn = axes / np.sqrt(np.maximum(power, 1e-6 * scale))
    state = State({_MEAN: known.mean(axis=0), _TURN: turn})
    if len(beside) < LEAST_RANKED:
        return state
    return State({**state.arrays, _PLACES: _percentiles(distance(vectors[beside], state))})


def _percentiles(distances: np.ndarray) -> np.ndarray:
    """Return (99,) the 1st to the 99th percentile, each the mean of the five cases around it: a percentile alone may be one case's own."""
    ordered = np.sort(distances)
    middle = np.clip(np.arange(1, 100) * len(ordered) // 100, 2, len(ordered) - 3)
    return np.mean([ordered[middle + step] for step in range(-2, 3)], axis=0)


def known(state: State) -> bool:
    """Return whether `state` tells what `distance` needs."""
    return _MEAN in state.arrays


def distance(vectors: np.ndarray, state: State) -> np.ndarray:
    """Return (m,) the distance of `vectors` (m, d) from the middle of the training cases, in deviations of theirs (Mahalanobis)."""
    away = (vectors.astype(np.float64) - state.arrays[_MEAN]) @ state.arrays[_TURN]
    return np.asarray(np.sqrt((away**2).sum(axis=1)))


def place(distances: np.ndarray, state: State) -> np.ndarray:
    """Return (m,) how many percent of known cases are nearer, from 0 to 99; NaN where there were too few of these to say."""
    if _PLACES not in state.arrays:
        return np.full(len(distances), np.nan)
    found = np.searchsorted(state.arrays[_PLACES], distances, side="right").astype(np.float64)
    return np.where(np.isfinite(distances), found, np.nan)


def to_nearest(vectors: np.ndarray, rows: np.ndarray, *, among: np.ndarray, seed: int) -> np.ndarray:
    """Return (m,) the mean distance of each of `rows` to its ten nearest training cases."""
    from sklearn.neighbors import NearestNeighbors

    known = _some(among, seed)
    model = NearestNeighbors(n_neighbors=min(LOOKED, len(known))).fit(vectors[known])
    distances, _ = model.kneighbors(vectors[rows])
    return np.asarray(distances.mean(axis=1))


def _some(rows: np.ndarray, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng([seed, 0xA0]).permutation(rows)[:_MOST])
