"""From a trained generator to pictures in the units and the type of the files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from osler.generation.synthesis.objective import SynthesisObjective
from osler.generation.synthesis.readers import Pictures


def drawn_classes(count: int, *, shares: np.ndarray, seed: int) -> np.ndarray:
    """Return (count,) int64 classes, each as often as its share of training says, in an order drawn by `seed`.

    >>> int(drawn_classes(4, shares=np.array([0.5, 0.5]), seed=0).sum())
    2
    """
    exact = count * np.asarray(shares, np.float64) / np.sum(shares)
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: count - int(whole.sum())]] += 1
    return np.random.default_rng([seed, 0xC1A5]).permutation(np.repeat(np.arange(len(whole)), whole))


def pixels(objective: SynthesisObjective, classes: np.ndarray, *, seed: int, dtype: Any = np.float32) -> Iterator[np.ndarray]:
    """Yield blocks (b, channels, i, j) of pictures of `classes` (n,) in the units of the files, rounded where `dtype` is of whole numbers."""
    device = next(objective.module.parameters()).device
    for block in objective.pictures(torch.from_numpy(classes).to(device), seed=seed):
        values = objective.shape.values(block).cpu().numpy()
        kind = np.dtype(dtype)
        if kind.kind in "iu":
            ends = np.iinfo(kind)
            values = np.clip(np.rint(values), ends.min, ends.max)
        yield values.astype(kind)


def made_pictures(objective: SynthesisObjective, classes: np.ndarray, *, seed: int, dtype: Any) -> Pictures:
    """Return them all at once, as they would be read from their files."""
    return Pictures(np.concatenate(list(pixels(objective, classes, seed=seed, dtype=dtype))).astype(np.float32), classes)
