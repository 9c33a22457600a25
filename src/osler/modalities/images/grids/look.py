"""Slices of a case, with marks drawn over them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osler.core.columns import Columns
from osler.modalities.images.explain.marked import grid_picture
from osler.modalities.images.grids.case import VOLUME
from osler.modalities.images.grids.tiles import place, stored


def picture(columns: Columns, row: int, *, layers: Mapping[str, np.ndarray]) -> str | None:
    """Return an SVG of slices of case `row` along the stored axes, with "marks" and "truth" among `layers`, which are (channels,
    file's grid)."""
    lies, shape = place(columns, row), stored(columns, row)
    own = {name: nearest(lies.to_stored(layers[name]), shape) for name in ("marks", "truth") if name in layers}
    spacing = lies.spacing() * np.array(lies.shape()) / np.array(shape)
    values = np.asarray(columns[VOLUME][row])
    return grid_picture(values, own.get("marks"), own.get("truth"), spacing=[float(s) for s in spacing])


def nearest(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return `values` (channel, axes) on `shape`, each place from the nearest."""
    for axis, wanted in enumerate(shape, start=1):
        side = values.shape[axis]
        if side != wanted:
            at = np.clip(np.floor((np.arange(wanted) + 0.5) * side / wanted), 0, side - 1).astype(np.int64)
            values = values.take(at, axis=axis)
    return values
