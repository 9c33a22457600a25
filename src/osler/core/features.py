"""The matrix on which a baseline is trained, and what a model of it promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True, slots=True)
class Features:
    """Features of a modality's cases, or of positions in them (voxels of a mask, bases of a track).

    `matrix` (m, f) float32, NaN where missing; `positions` (m,) int64, which of the asked rows each line belongs to;
    `places` (m,) int64, on a grid the flat index of the line inside its case, else None; `names` (f,); `categorical` (f,) bool: columns that hold codes 0, 1, … of a vocabulary, NaN where missing or unknown.
    `kinds` (f,), or none: what features that say little one by one (the bins of a histogram) are told together as.
    `owner` (f,) int64 of one input's: which of the modality's explained features each column belongs to; None: each is its own.
    `stride` on a grid: lines stand for every so many places along each axis.
    """

    matrix: np.ndarray
    positions: np.ndarray
    names: tuple[str, ...]
    categorical: np.ndarray
    places: np.ndarray | None = None
    kinds: tuple[str, ...] = ()
    owner: np.ndarray | None = None
    stride: int = 1

    @classmethod
    def joined(cls, parts: tuple[Features, ...], *, prefixes: tuple[str, ...]) -> Features:
        """Return the features of several inputs of the same cases beside one another."""
        names = tuple(f"{p}.{n}" if len(parts) > 1 else n for part, p in zip(parts, prefixes, strict=True) for n in part.names)
        matrix = parts[0].matrix if len(parts) == 1 else np.concatenate([p.matrix for p in parts], axis=1)
        kinds = tuple(kind for p in parts for kind in (p.kinds or ("",) * len(p.names))) if any(p.kinds for p in parts) else ()
        return cls(matrix, parts[0].positions, names, np.concatenate([p.categorical for p in parts]), parts[0].places, kinds)


class BaselineModel(Protocol):
    """A trained classical model."""

    def raw(self, matrix: np.ndarray) -> np.ndarray:
        """Return raw outputs (m, k) for features (m, f), on the scale of the network's raw outputs."""
        ...

    def files(self) -> Mapping[str, bytes]:
        """Return the files that restore it, by name: text or safetensors, no pickle, no patient value."""
        ...

    def sentence(self) -> str:
        """Return what it is, for the report."""
        ...


@runtime_checkable
class ExplainedModel(Protocol):
    """A classical model that says what each feature adds to its raw outputs."""

    def contributions(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return contributions (m, k, f) of features (m, f) and the reference (k,) from which they lead to `raw`."""
        ...
