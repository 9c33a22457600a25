"""What is measured of the training images of both sides: aggregates that a bundle may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.generation.translation.scale import ends_of
from osler.generation.translation.slices import Side, sides

MOST = 500  # images of a side that are looked at, evenly over the rows
DIGITS = 3  # of the ends of intensities: medians over cases, rounded so that none shows where there are few


def measured(columns: Mapping[str, Columns], rows: np.ndarray) -> dict[str, Any]:
    """Return of "source" and "target" the channels, axes, type and kind of image, and the `low` and `high` ends of intensities by channel."""
    return {name: _of(side, rows) for name, side in zip(("source", "target"), sides(columns), strict=True)}


def _of(side: Side, rows: np.ndarray) -> dict[str, Any]:
    own = rows[side.present[rows]]
    some = own[np.linspace(0, len(own) - 1, min(len(own), MOST)).astype(np.int64)]
    each = np.stack([ends_of(side.image(int(row))) for row in some])
    low, high = np.median(each, axis=0).T
    return {
        "channels": side.channels,
        "axes": side.axes,
        "dtype": side.dtype,
        "kind": side.kind,
        "low": [float(f"{value:.{DIGITS}g}") for value in low],
        "high": [float(f"{value:.{DIGITS}g}") for value in high],
    }
