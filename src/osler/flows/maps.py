"""Where attributions of pictures lie on average: aggregates of many cases, on a coarse grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.attribution import Answer

FEWEST = 20  # cases behind a mean map
PARTS = 16  # along a side, so that no place is a pixel of a case
MOST = 4  # answers that are drawn


class MeanMaps:
    """Adds up the maps of cases one after another; inputs that are not pictures of two dimensions are left out."""

    def __init__(self) -> None:
        self.cases = 0
        self.signed: dict[str, np.ndarray] = {}
        self.strength: dict[str, np.ndarray] = {}

    def add(self, maps: Mapping[str, np.ndarray]) -> None:
        """Add maps (n, a, channels, i, j) by input name; those with other axes are left out."""
        flat = {name: values for name, values in maps.items() if values.ndim == 5}
        for name, values in flat.items():
            coarse = _coarse(values.sum(2))
            self.signed[name] = self.signed.get(name, 0.0) + coarse.sum(0)
            self.strength[name] = self.strength.get(name, 0.0) + np.abs(coarse).sum(0)
        self.cases += max((len(v) for v in flat.values()), default=0)

    def told(self, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        """Return what JSON can hold of each input and answer, nothing of fewer than FEWEST cases."""
        if self.cases < FEWEST:
            return []
        return [
            {"input": name, "target": answer.target, "level": answer.level, "cases": self.cases,
             "signed": _plain(signed[at] / self.cases), "strength": _plain(self.strength[name][at] / self.cases)}
            for name, signed in self.signed.items()
            for at, answer in enumerate(answers[:MOST])
        ]  # fmt: skip


def _coarse(values: np.ndarray) -> np.ndarray:
    """Return (n, a, at most PARTS, at most PARTS): sums over blocks of maps (n, a, i, j)."""
    for axis in (2, 3):
        length = values.shape[axis]
        starts = np.unique(np.arange(min(PARTS, length)) * length // min(PARTS, length))
        values = np.add.reduceat(values, starts, axis=axis)
    return values


def _plain(values: np.ndarray) -> list[list[float]]:
    return [[float(f"{v:.3g}") for v in row] for row in values]
