"""Marks as files, in the geometry of the case's own file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from osler.core.columns import Columns
from osler.modalities.images.grids.tiles import grid
from osler.modalities.images.read.volume import write_mask


def write_marks(marks: np.ndarray, columns: Columns, row: int, *, folder: Path, name: str) -> Path:
    """Write marks (channels, axes) uint8 of case `row`: volumes as NIfTI, pictures as PNG; of several channels each its own file,
    numbered, in a folder `name`. Return the file, or that folder."""
    own = grid(columns, row)
    ending = ".png" if len(own.shape) == 2 else ".nii.gz"
    if len(marks) == 1:
        path = folder / f"{name}{ending}"
        write_mask(path, marks[0], affine=own.affine)
        return path
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(marks, start=1):
        write_mask(place / f"{number}{ending}", one, affine=own.affine)
    return place
