"""The matrix on which a baseline is trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Features:
    """Features of a modality's cases, or of positions in them (voxels of a mask, bases of a track).

    `matrix` (m, f) float32, NaN where missing; `positions` (m,) int64, which of the asked rows each line belongs to;
    `places` (m,) int64, on a grid the flat index of the line inside its case, else None; `names` (f,); `categorical` (f,) bool: columns that hold codes 0, 1, … of a vocabulary, NaN where missing or unknown.
    """

    matrix: np.ndarray
    positions: np.ndarray
    names: tuple[str, ...]
    categorical: np.ndarray
    places: np.ndarray | None = None

    @classmethod
    def joined(cls, parts: tuple[Features, ...], *, prefixes: tuple[str, ...]) -> Features:
        """Return the features of several inputs of the same cases beside one another."""
        names = tuple(f"{p}.{n}" if len(parts) > 1 else n for part, p in zip(parts, prefixes, strict=True) for n in part.names)
        matrix = parts[0].matrix if len(parts) == 1 else np.concatenate([p.matrix for p in parts], axis=1)
        return cls(matrix, parts[0].positions, names, np.concatenate([p.categorical for p in parts]), parts[0].places)
