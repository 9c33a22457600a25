"""Many small pictures on one sheet, as a PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

LEAST_SIDE = 56  # pixels of a picture on a sheet: smaller ones are enlarged by whole numbers
GAP = 2


def sheet(rows: Sequence[np.ndarray], *, low: float, high: float) -> bytes:
    """Return the PNG of `rows` of pictures, each (m, channels, i, j), whose values go from `low`, black, to `high`.

    Three channels are colours; of two or four the first is shown.
    """
    import PIL.Image

    most = max(len(row) for row in rows)
    _, channels, high_side, wide_side = rows[0].shape
    times = max(1, -(-LEAST_SIDE // max(high_side, wide_side)))
    step = high_side * times + GAP, wide_side * times + GAP
    canvas = np.full((len(rows) * step[0] - GAP, most * step[1] - GAP, 3), 255, np.uint8)
    for at, row in enumerate(rows):
        for place, picture in enumerate(row):
            shown = np.clip((picture.astype(np.float64) - low) / (high - low), 0, 1) * 255
            shown = shown if channels == 3 else np.repeat(shown[:1], 3, axis=0)
            large = np.rint(shown).astype(np.uint8).transpose(1, 2, 0).repeat(times, 0).repeat(times, 1)
            top, left = at * step[0], place * step[1]
            canvas[top : top + large.shape[0], left : left + large.shape[1]] = large
    stream = io.BytesIO()
    PIL.Image.fromarray(canvas).save(stream, "PNG", optimize=True)
    return stream.getvalue()
