"""What is measured of the training volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.target import Target
from osler.modalities.images.case import PIXELS
from osler.modalities.images.drift import drift_facts
from osler.modalities.images.facts import sample
from osler.modalities.images.facts.mirror import LEAST, probed
from osler.modalities.images.grids.resample import resampled
from osler.modalities.images.volumes.case import FRAME, Frame

SIDE = 10  # places along each axis of what mirror images are judged by
MIRRORED = {"left-right": 1}


def facts(columns: Columns, rows: np.ndarray, *, target: Target | None = None) -> Mapping[str, Any]:
    """Return shape, spacing, intensities, and what mirroring left and right does to the volumes and to what they say of the target.

    `placed` is whether the files say where right and left are; `unlike` how much the volumes' own ranges of intensities differ:
    their standard deviation over their mean.
    """
    shape = tuple(int(s or 0) for s in columns.field(PIXELS).shape)
    kept = sample(rows, shape=shape)
    told, small = _looked_at(columns, kept)
    means, spreads, ranges = told.T
    frames = [Frame.of(np.asarray(columns[FRAME][int(row)])) for row in kept]
    spacing = np.median([f.spacing() for f in frames], axis=0) if frames else np.ones(3)
    placed = bool(frames) and all(f.placed for f in frames)
    few = len(kept) < LEAST or not placed
    own = None if target is None else target.take(kept)
    return {
        "form": "volume",
        "shape": list(shape),
        "dtype": columns.field(PIXELS).dtype,
        "pictures": len(rows),
        "spacing": [float(f"{v:.6g}") for v in spacing],
        "placed": placed,
        "mean": float(means.mean()) if len(kept) else 0.0,
        "spread": float(np.sqrt((spreads**2).mean() + means.var())) if len(kept) else 1.0,
        "unlike": float(ranges.std() / max(ranges.mean(), 1e-9)) if len(kept) else 0.0,
        "drift": drift_facts(columns, kept),
        "mirror": {name: {"seen": None, "kept": None} for name in MIRRORED} if few else probed(small, own, axes=MIRRORED),
    }


def _looked_at(columns: Columns, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, 3) each volume's mean, standard deviation, and width from the 1st to the 99th percentile; and (n, SIDE, SIDE, SIDE)
    of them scaled to mean 0 and spread 1."""
    told, small = np.zeros((len(rows), 3)), np.zeros((len(rows), SIDE, SIDE, SIDE), np.float32)
    for turn, row in enumerate(rows):
        values = np.asarray(columns[PIXELS][int(row)])
        flat = values.ravel()[:: max(1, values.size // 20_000)].astype(np.float64)
        low, high = np.percentile(flat, (1, 99))
        told[turn] = values.mean(dtype=np.float64), values.std(dtype=np.float64), high - low
        one = resampled(values.astype(np.float32), (SIDE,) * 3, kernel="linear").mean(0)  # a copy: columns may not be written to
        small[turn] = (one - one.mean()) / max(float(one.std()), 1e-6)
    return told, small
