"""What is refused before memory is taken for it, and geometries that cannot be."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from osler.modalities.images.read.content import Unusable

MOST_BYTES = 4 << 30  # of one case, in its file and decoded: a CT of 512 × 512 × 2000 takes 1 GiB
LONGEST = 1 << 16  # voxels on a side, as of pictures
MOST_CHANNELS = 32  # a fourth dimension: more are a film or a time series (functional MRI), which is another kind of data
THINNEST = 1e-4  # millimetres of a voxel's side: electron microscopy is finer, no scanner is
WIDEST = 1e4


def check_size(shape: Sequence[int], *, channels: int, itemsize: int) -> None:
    """Raise Unusable for a volume without voxels, or too large; `itemsize` are bytes of one value, stored or returned."""
    if not shape or min(shape) < 1 or channels < 1:
        raise Unusable("axes", "the header names an axis without voxels")
    if max(shape) > LONGEST or math.prod(map(int, shape)) * channels * itemsize > MOST_BYTES:
        limit = f"more than {MOST_BYTES >> 30} GiB, or a side over {LONGEST}"
        raise Unusable("large", f"the header says that the volume takes {limit}; cut it, or resample it")


def check_channels(count: int) -> None:
    """Raise Unusable for a fourth dimension that is longer than channels are many."""
    if count > MOST_CHANNELS:
        raise Unusable("time", f"the file is a series of {count} volumes (4-D); save the volume that is meant, or their mean")


def check_affine(affine: np.ndarray) -> np.ndarray:
    """Return `affine` (4, 4), which must be finite and have three axes of a length that scanners have; raises Unusable."""
    if not np.isfinite(affine).all():
        raise Unusable("geometry", "the header's geometry holds values that are no numbers (NaN or infinity)")
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    if (sides < THINNEST).any():
        raise Unusable("geometry", "the header names a spacing of zero; correct it where the file comes from")
    if (sides > WIDEST).any():
        raise Unusable("geometry", f"the header names a spacing over {WIDEST / 1000:.0f} m")
    if abs(np.linalg.det(affine[:3, :3] / sides)) < 1e-3:
        raise Unusable("geometry", "two axes of the header's geometry have the same direction (a singular affine)")
    return affine


def check_finite(values: np.ndarray) -> None:
    """Raise Unusable for values that are no numbers."""
    if values.dtype.kind != "f":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        total = values.sum()  # one pass without a mask of the volume's size; a sum may overflow without harm
    if not np.isfinite(total) and not np.isfinite(values).all():
        raise Unusable("not_finite", "the volume holds values that are no numbers (NaN or infinity); save zeros there")
