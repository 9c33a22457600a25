"""Places of cases in two dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osler.core.errors import RequestError, did_you_mean
from osler.generation.embedding.principal import principal
from osler.generation.embedding.umap import laid_out

WAYS = ("pca", "umap")
NAMES = {"pca": "PCA", "umap": "UMAP"}
MOST = 5_000  # cases on a map; more cannot be told apart
LEAST = 4  # cases of which neighbours say something


@dataclass(frozen=True, slots=True)
class Map:
    """`places` (m, 2) of the cases `rows` (m,); `way` is that by which they were found, `labels` what the two axes are called."""

    way: str
    rows: np.ndarray
    places: np.ndarray
    labels: tuple[str, str]


def mapped(vectors: np.ndarray, rows: np.ndarray, *, way: str, seed: int, most: int = MOST) -> Map:
    """Return the map of `rows` of `vectors` (n, d), or of `most` of them drawn by `seed`; raises RequestError for an unknown way.

    UMAP of fewer than four cases are their principal components.
    """
    if way not in WAYS:
        raise RequestError(f"no map '{way}'{did_you_mean(way, WAYS)}")
    kept = np.sort(np.random.default_rng([seed, 0x3A9]).permutation(rows)[:most])
    vectors = vectors[kept].astype(np.float64)
    found = principal(vectors, 2)
    if way == "pca" or len(kept) < LEAST:
        places = np.zeros((len(kept), 2))
        places[:, : found.axes.shape[1]] = found.of(vectors)
        share = (*found.share, 0.0, 0.0)
        return Map("pca", kept, places, (f"PCA 1 ({100 * share[0]:.0f}%)", f"PCA 2 ({100 * share[1]:.0f}%)"))
    return Map("umap", kept, laid_out(vectors, seed=seed), ("UMAP 1", "UMAP 2"))
