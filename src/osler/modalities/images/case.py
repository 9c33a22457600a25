"""The record of one picture, and the names of its fields.

Axes are (channel, i, j): i down, j to the right, as the picture is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

PIXELS = "pixels"  # (channels, i, j) in the type that was decided: what the network sees
DESCRIPTORS = "descriptors"  # (f,) float32: histogram, gradients, texture: what the baseline sees
THUMBNAIL = "thumbnail"  # (THUMB, THUMB) uint8, the mean of the channels: low frequencies and near-duplicates
HASHES = "hashes"  # (len(MARKS),) int64
THUMB = 32
MARKS = ("perceptual", "patient", "scanner", "synthetic")  # what each of HASHES is; 0 where not known, 1 where a file says so


OWN_GRID = "own_grid"  # a setting that only a task gives: each case keeps its grid though no mask lies on it
FORMS = ("picture", "volume", "grid")  # one size, two axes; one size, three axes; each case on its own grid


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Where a case lies: one file (or folder) per column, channels behind one another; `masks` lie on its grid, None where a cell is
    empty."""

    paths: tuple[str, ...]
    columns: tuple[str, ...]
    masks: tuple[str | None, ...] = ()
    mask_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    """One picture, read: `pixels` (channel, i, j) in the size and integer type that were decided.

    `patient` and `scanner` are 64-bit hashes of what the file's header says, 0 where it says nothing; `synthetic` whether it says that
    the picture was made.
    """

    pixels: np.ndarray
    patient: int = field(default=0)
    scanner: int = field(default=0)
    synthetic: bool = field(default=False)
