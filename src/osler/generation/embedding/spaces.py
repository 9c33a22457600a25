"""The spaces in which cases are compared: the embedding, and beside it what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osler.generation.embedding.embedded import Embedded
from osler.generation.embedding.principal import principal

if TYPE_CHECKING:
    from torch import Tensor

EMBEDDING, RAW, COMPONENTS = "embedding", "raw input", "principal components of the raw input"
MOST_RAW = 4_096  # numbers of a case that a classical model is given
_FITTED = 10_000  # cases on which principal components are fitted


@dataclass(frozen=True, slots=True)
class Space:
    """`vectors` (n, d) float32: over the training rows each dimension has mean 0, and all together a mean variance of 1. One scale for
    all of them keeps distances as they are: what hardly varies stays small."""

    name: str
    vectors: np.ndarray


def spaces(found: Embedded) -> tuple[Space, ...]:
    """Return the embedding, the raw input, and its principal components, as many as the embedding has dimensions."""
    rows = found.split.training
    fitted = np.sort(np.random.default_rng([found.seed, 0x5AC]).permutation(rows)[:_FITTED])
    components = principal(found.raw[fitted], found.vectors.shape[1]).of(found.raw)
    parts = {EMBEDDING: found.vectors, RAW: found.raw, COMPONENTS: components}
    return tuple(Space(name, centred(vectors, rows)) for name, vectors in parts.items())


def centred(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return `vectors` (n, d) about their mean over `rows`, in units of the mean deviation there."""
    known = vectors[rows].astype(np.float64)
    scale = float(np.sqrt(known.var(axis=0).mean())) or 1.0
    return ((vectors - known.mean(axis=0)) / scale).astype(np.float32)


def flattened(lifted: Tensor) -> np.ndarray:
    """Return `lifted` (B, …) as one line of numbers a case (B, f), large grids as means over blocks, so that f is at most 4,096."""
    from torch.nn import functional as F

    axes = lifted.ndim - 2
    while lifted[0].numel() > MOST_RAW and 1 <= axes <= 3 and max(lifted.shape[2:]) > 1:
        pool = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}[axes]
        lifted = pool(lifted, [min(2, side) for side in lifted.shape[2:]], ceil_mode=True)
    return np.asarray(lifted.flatten(1)[:, :MOST_RAW].float().cpu())
