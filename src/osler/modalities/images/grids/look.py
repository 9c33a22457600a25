"""Slices of a case, with marks drawn over them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osler.core.columns import Columns


def picture(columns: Columns, row: int, *, layers: Mapping[str, np.ndarray]) -> str | None:
    """Return an SVG of slices of case `row` on its own grid, with "marks" and "truth" among `layers`."""
    return None
