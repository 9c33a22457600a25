"""The world that coordinates are in: the one place where left–posterior–superior becomes right–anterior–superior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# DICOM (PS3.3, C.7.6.2.1.1), MetaImage and most NRRD files count millimetres towards the patient's left and back; Osler and NIfTI
# towards the right and the front. Both count upwards.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def from_lps(affine: np.ndarray) -> np.ndarray:
    """Return the affine (4, 4), index → LPS+, as index → RAS+."""
    return LPS_TO_RAS @ affine


def affine_of(directions: np.ndarray, origin: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the affine (4, 4) with steps `directions` (3, 3), one column an axis, and the first voxel's centre at `origin`."""
    affine = np.eye(4)
    affine[:3, :3] = directions
    affine[:3, 3] = origin
    return affine


def swapped(affine: np.ndarray) -> np.ndarray:
    """Return the affine of the same grid with its first two axes exchanged."""
    return affine[:, [1, 0, 2, 3]]
