"""Several measurements of one thing: rows that stay rows, of which training makes one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.plan import Decision
from osler.core.target import Target

NAME = "target.replicates"


def found(modalities: Mapping[str, Modality], columns: Mapping[str, Columns]) -> np.ndarray | None:
    """Return (n,) int64, equal for measurements of one thing; None where nothing tells, and where there are other inputs: a molecule at
    two doses is measured once at each."""
    if len(modalities) != 1:
        return None
    (name, modality), *_ = modalities.items()
    return modality.replicates(columns[name])


def rules(modalities: Mapping[str, Modality], columns: Mapping[str, Columns]) -> tuple[Decision, ...]:
    """Return what becomes of several measurements, where anything tells of them."""
    if found(modalities, columns) is None:
        return ()
    why = "each of several rows of one molecule or sequence weighs its share: squared errors are then those of their mean"
    return (Decision(NAME, "share", why, choices=("share", "row")),)


def weighted(
    target: Target, *, modalities: Mapping[str, Modality], columns: Mapping[str, Columns], settings: Mapping[str, Any]
) -> Target:
    """Return the target whose cases weigh one over the number of measurements of the same thing, beside the weight that they have."""
    keys = None if settings.get(NAME, "share") == "row" else found(modalities, columns)
    if keys is None or not len(target):
        return target
    share = shares(keys, target.told)
    if (share == 1).all():
        return target
    weight = share if target.weight is None else share * target.weight
    return replace(target, weight=weight / weight.mean())


def shares(keys: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Return (n,) one over the number of rows with the same of `keys` (n,) that tell of the same targets (n, k), on average over those
    that the row tells of."""
    code = np.unique(keys, return_inverse=True)[1].reshape(-1)
    again = np.stack([np.bincount(code, weights=column)[code] for column in told.T.astype(float)], axis=1)
    size = told.sum(axis=1)
    return np.where(size > 0, np.maximum(size, 1) / np.maximum((again * told).sum(axis=1), 1), 1.0)
