"""What a file of a volume says: its header alone, or its values with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class VolumeHeader:
    """What the headers of one volume say, without its voxels.

    `shape` (i, j) or (i, j, k) in stored index order; `channels` of each voxel (colours, or a fourth dimension). A volume has i along
    the columns of its slices, j down their rows and k through them, as NIfTI and ITK store it; a picture (i, j) has i down the rows
    and j along the columns, as the reader of pictures has it. `affine` (4, 4) float64 takes stored indices to millimetres, RAS+; it
    is the identity where the file has no geometry (`geometry` False). `dtype` is numpy's name of the values that `load_volume`
    gives. `modality` is DICOM's ("CT"), "" where unknown. `identifying` names header fields, never their values, that identify a
    person.
    """

    shape: tuple[int, ...]
    channels: int
    affine: np.ndarray
    dtype: str
    modality: str
    geometry: bool
    identifying: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawVolume:
    """`values` (channels, i, j[, k]) in the file's unit (CT: Hounsfield units); the rest as in `VolumeHeader`.

    `patient` and `scanner` are 64-bit hashes of what the header says, 0 where it says nothing.
    """

    values: np.ndarray
    affine: np.ndarray
    modality: str
    geometry: bool
    patient: int = 0
    scanner: int = 0
