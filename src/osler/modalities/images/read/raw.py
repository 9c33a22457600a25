"""A file's picture as it is stored, before it is brought to the study's size and type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Header:
    """What a file's header says, without its pixels.

    `size` (i, j) as the picture is shown; `depth` 8, 16 or 32 bits that its values need (32: also fractions); `signed` whether
    they may be negative; `window` whether a DICOM says how to show it; `modality` DICOM's ("CT"), "" of a plain picture.
    """

    size: tuple[int, int]
    colour: bool
    depth: int
    signed: bool = False
    alpha: bool = False
    window: bool = False
    modality: str = ""


@dataclass(frozen=True, slots=True)
class Raw:
    """Pixels (channel, i, j), 1 or 3 channels, in the type they were stored in; `shown` where a window made them 0 to 1.

    `patient` and `scanner` are 64-bit hashes of what the header says, 0 where it says nothing; `synthetic` whether
    the file says that the picture was made.
    """

    values: np.ndarray
    depth: int
    shown: bool = False
    patient: int = 0
    scanner: int = 0
    synthetic: bool = False
