"""What is learned of the training cases besides weights: the scale of intensities that have a unit."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.images.grids.case import LEVELS, MARKED

GROUPS = 5  # fewer would show what one case looks like


WIDE = 8.0  # spreads about the mean between which values without a unit are kept


def fit(columns: Columns, rows: np.ndarray, *, groups: np.ndarray, kind: str) -> State:
    """Return per channel `low` and `high`, between which intensities are kept, and the `mean` and `spread` by which they are scaled.

    Of a CT, by `kind`, of what is marked, as nnU-Net does (Isensee et al. 2021), else of whole cases. Medians over cases, so that
    none shows; of fewer than GROUPS groups a plain range.
    """
    name = MARKED if kind == "CT" and MARKED in columns.arrays else LEVELS
    found = np.asarray(columns[name])[rows].astype(np.float64)
    known = np.isfinite(found).all((1, 2)) if len(found) else np.zeros(0, bool)
    if len(np.unique(groups[rows][known])) < GROUPS:
        whole = np.asarray(columns[LEVELS])[rows].astype(np.float64)
        channels = np.asarray(columns[LEVELS]).shape[1]
        top = float(np.nanmax(np.abs(whole))) if np.isfinite(whole).any() else 1.0
        top = float(2.0 ** np.ceil(np.log2(max(top, 1e-6))))  # a power of two tells nothing of the case
        plain = [np.full(channels, v, np.float32) for v in (-top, top, 0.0, top / 4)]
        return State(dict(zip(("low", "high", "mean", "spread"), plain, strict=True)))
    _, low, _, high, mean, spread = np.median(found[known], axis=0).T
    spread = np.maximum(spread, 1e-6)
    if kind != "CT":
        low, high = mean - WIDE * spread, mean + WIDE * spread
    return State({k: v.astype(np.float32) for k, v in (("low", low), ("high", high), ("mean", mean), ("spread", spread))})
