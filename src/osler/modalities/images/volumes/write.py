"""Attributions as files, in the geometry of the case's own file."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from osler.core.columns import Columns
from osler.modalities.images.case import PIXELS
from osler.modalities.images.grids.resample import resampled
from osler.modalities.images.read.volume.masks import FLOAT32, nifti_header
from osler.modalities.images.volumes.case import FRAME, Frame


def write_attribution(attribution: np.ndarray, columns: Columns, row: int, *, folder: Path, name: str) -> Path:
    """Write the attribution (channels, i, j, k) of case `row`, summed over channels, as NIfTI float32 on the grid of the case's own file,
    in the unit of the score: its places add up to what they added before, but for what lies outside the file."""
    frame = Frame.of(np.asarray(columns[FRAME][row]))
    size = tuple(int(n or 0) for n in columns.field(PIXELS).shape[1:])
    own = on_file(attribution.sum(0), frame, size=size)
    path = folder / f"{name}.nii.gz"
    header = nifti_header(own.shape, frame.place.grid.affine, kind=FLOAT32)
    path.write_bytes(gzip.compress(header + own.astype("<f4").tobytes(order="F"), compresslevel=4, mtime=0))
    return path


def on_file(added: np.ndarray, frame: Frame, *, size: tuple[int, ...]) -> np.ndarray:
    """Return what places `added` (i, j, k), of a case in the study's `size` or coarser, on the grid of the case's file."""
    whole = _spread(added, size)
    there, own = frame.inside(size)
    inside = np.zeros(frame.inner, np.float32)
    inside[own] = whole[there]
    return np.ascontiguousarray(frame.place.to_own(_spread(inside, frame.place.shape())[None])[0])


def _spread(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return values on another number of places, with the same sum but at the rims."""
    found = resampled(values[None], shape, kernel="linear")[0]
    return np.asarray(found * np.float32(values.size / found.size))
