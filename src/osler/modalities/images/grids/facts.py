"""What was measured of the training cases on their own grids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.modalities.images.grids.case import COUNTS, LEVELS, PLACE, VOLUME, Place

MOST = 2_000  # cases that are looked at


def facts(columns: Columns, rows: np.ndarray) -> Mapping[str, Any]:
    """Return shapes and spacings of the stored grids, intensities, and how much of a case each label takes: aggregates of `rows`."""
    volumes = columns[VOLUME]
    assert isinstance(volumes, Ragged)
    assert volumes.shapes is not None
    field = columns.field(VOLUME)
    axes = len(field.shape) - 1
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST)).astype(np.int64)] if len(rows) else rows
    shapes = np.asarray(volumes.shapes)[some][:, 1:] if len(some) else np.ones((1, axes))
    return {
        "form": "grid",
        "axes": axes,
        "cases": len(rows),
        "channels": int(field.shape[0] or 1),
        "dtype": field.dtype,
        "kind": next(iter(field.labels), ""),
        "shape": [float(v) for v in np.median(shapes, axis=0)],
        "places": int(np.median(shapes.prod(1))),
        "spacing": _spacing(columns, some, axes=axes),
        **_levels(columns, some),
        "labels": _labels(columns, some),
    }


def _spacing(columns: Columns, rows: np.ndarray, *, axes: int) -> list[float]:
    """Return the median spacing of the stored grids in millimetres."""
    found = []
    for row in rows[:256]:
        place = Place.of(np.asarray(columns[PLACE][int(row)]), axes=axes)
        shape = np.asarray(columns[VOLUME][int(row)].shape[1:])
        found.append(place.spacing() * np.asarray(place.shape()) / np.maximum(shape, 1))
    return [float(f"{v:.6g}") for v in np.median(found, axis=0)] if found else [1.0] * axes


def _levels(columns: Columns, rows: np.ndarray) -> dict[str, float]:
    """Return mean and spread of the cases' intensities, and how unlike their ranges are: standard deviation over mean."""
    found = np.asarray(columns[LEVELS])[rows].astype(np.float64)
    if not len(found) or not np.isfinite(found).any():
        return {"mean": 0.0, "spread": 1.0, "unlike": 0.0}
    ranges = np.nanmean(found[..., 3] - found[..., 1], axis=1)
    return {
        "mean": float(np.nanmean(found[..., 4])),
        "spread": float(np.sqrt(np.nanmean(found[..., 5] ** 2))),
        "unlike": float(np.nanstd(ranges) / max(float(np.nanmean(ranges)), 1e-9)),
    }


def _labels(columns: Columns, rows: np.ndarray) -> list[dict[str, float]]:
    """Return for each column of masks and each value the share of marked places it takes, and of cases that hold it."""
    if COUNTS not in columns.arrays or not len(rows):
        return []
    counts = np.asarray(columns[COUNTS])[rows].astype(np.float64)
    total = np.maximum(counts[..., :255].sum(-1), 1)
    return [
        {"column": int(column), "value": int(value), "share": float(np.mean(counts[:, column, value] / total[:, column])),
         "cases": float(np.mean(counts[:, column, value] > 0))}
        for column in range(counts.shape[1])
        for value in np.flatnonzero(counts[:, column, :255].sum(0))
    ]  # fmt: skip
