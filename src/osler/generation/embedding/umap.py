"""UMAP (McInnes, Healy and Melville 2018), in numpy: neighbours as a fuzzy graph, laid out in two dimensions so that it fits.

Its weights are those of umap-learn. Edges of an epoch are moved in a few bundles at once rather than one after another, which needs
no compiler; the layout starts from the first two principal components, which keep what lies far apart apart (Kobak and Linderman 2021).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from osler.generation.embedding.principal import principal

NEIGHBOURS = 15  # of each case, itself among them
SPREAD_A, SPREAD_B = 1.576943460405378, 0.8950608781227859  # 1 / (1 + a d^2b) for a least distance of 0.1, as umap-learn fits it
_EPOCHS, _MANY = (500, 200), 10_000  # epochs up to so many cases, and beyond
_PUSHED = 5  # cases pushed away for each pulled one
_BUNDLES = 8  # of an epoch: in one alone, a case would be pulled by many neighbours from where it no longer is
_CLIP = 4.0
_SMALLEST = 1e-3  # least width, as a share of the mean distance


def laid_out(vectors: np.ndarray, *, seed: int, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """Return places (n, 2) of `vectors` (n, d), n at least 4."""
    graph = fuzzy_graph(*nearest(vectors, min(neighbours, len(vectors) - 1)))
    return _moved(_start(vectors, seed=seed), graph, generator=np.random.default_rng([seed, 0x3A9]))


def nearest(vectors: np.ndarray, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances (n, k) of each case's nearest, itself first, and their numbers (n, k)."""
    from sklearn.neighbors import NearestNeighbors

    distances, found = NearestNeighbors(n_neighbors=neighbours).fit(vectors).kneighbors(vectors)
    own = np.arange(len(vectors))[:, None]
    # itself first, also among equal cases, of which another may have been found in its place; rounding may leave it a distance
    order = np.argsort(found != own, axis=1, kind="stable")
    distances, found = (np.take_along_axis(array, order, axis=1) for array in (distances, found))
    lost = found[:, 0] != own[:, 0]
    found[lost, 1:], distances[lost, 1:] = found[lost, :-1], distances[lost, :-1]
    found[:, 0], distances[:, 0] = own[:, 0], 0.0
    return distances, found


def fuzzy_graph(distances: np.ndarray, found: np.ndarray) -> sparse.coo_matrix:
    """Return the weights (n, n), symmetric, from each case's nearest `found` (n, k) at `distances` (n, k), itself first."""
    cases, count = found.shape
    others = distances[:, 1:]
    first = np.min(np.where(others > 0, others, np.inf), axis=1, initial=np.inf)
    first = np.where(np.isfinite(first), first, 0.0)
    beyond = np.maximum(others - first[:, None], 0.0)
    width = np.maximum(_widths(beyond, np.log2(count)), _SMALLEST * _floor(distances, first))
    weight = np.where(beyond <= 0, 1.0, np.exp(-beyond / width[:, None]))
    rows = np.repeat(np.arange(cases), count - 1)
    one = sparse.csr_matrix((weight.ravel(), (rows, found[:, 1:].ravel())), shape=(cases, cases))
    other = one.T.tocsr()
    return (one + other - one.multiply(other)).tocoo()


def _floor(distances: np.ndarray, first: np.ndarray) -> np.ndarray:
    return np.where(first > 0, distances.mean(axis=1), distances.mean()) + 1e-300


def _widths(beyond: np.ndarray, wanted: float) -> np.ndarray:
    """Return for each case the width by which the weights of its nearest sum up to `wanted`, by bisection."""
    low, high, middle = np.zeros(len(beyond)), np.full(len(beyond), np.inf), np.ones(len(beyond))
    for _ in range(64):
        total = np.where(beyond > 0, np.exp(-beyond / middle[:, None]), 1.0).sum(axis=1)
        over = total > wanted
        high, low = np.where(over, middle, high), np.where(over, low, middle)
        middle = np.where(np.isfinite(high), (low + np.where(np.isfinite(high), high, 0.0)) / 2, middle * 2)
        middle = np.clip(middle, 1e-300, 1e300)
    return middle


def _start(vectors: np.ndarray, *, seed: int) -> np.ndarray:
    found = principal(vectors, 2)
    places = np.zeros((len(vectors), 2))
    places[:, : found.axes.shape[1]] = found.of(vectors)
    places = 10.0 * places / (np.abs(places).max() or 1.0)
    return places + np.random.default_rng([seed, 0x57A]).normal(0, 1e-3, places.shape)


def _moved(places: np.ndarray, graph: sparse.coo_matrix, *, generator: np.random.Generator) -> np.ndarray:
    epochs = _EPOCHS[len(places) > _MANY]
    kept = graph.data >= graph.data.max() / epochs
    heads, tails, every = graph.row[kept], graph.col[kept], graph.data.max() / graph.data[kept]
    due = every.copy()
    for epoch in range(1, epochs + 1):
        now = np.flatnonzero(due <= epoch)
        due[now] += every[now]
        rate = 1.0 - (epoch - 1) / epochs
        for bundle in np.array_split(generator.permutation(now), _BUNDLES):
            for who, step in _steps(places, heads[bundle], tails[bundle], generator):
                for axis in range(2):
                    places[:, axis] += rate * np.bincount(who, step[:, axis], minlength=len(places))
    return places


def _steps(
    places: np.ndarray, heads: np.ndarray, tails: np.ndarray, generator: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield who is moved and by how much: the two of an edge towards each other, the first away from others."""
    away = places[heads] - places[tails]
    square = np.maximum((away**2).sum(axis=1, keepdims=True), 1e-12)
    pull = -2 * SPREAD_A * SPREAD_B * square ** (SPREAD_B - 1) / (1 + SPREAD_A * square**SPREAD_B)
    step = np.clip(pull * away, -_CLIP, _CLIP)
    yield np.concatenate([heads, tails]), np.concatenate([step, -step])
    heads = np.repeat(heads, _PUSHED)
    others = generator.integers(0, len(places), len(heads))
    away = places[heads] - places[others]
    square = (away**2).sum(axis=1, keepdims=True)
    push = 2 * SPREAD_B / ((0.001 + square) * (1 + SPREAD_A * square**SPREAD_B))
    yield heads, np.clip(push * away, -_CLIP, _CLIP)
