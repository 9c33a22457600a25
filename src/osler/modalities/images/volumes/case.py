"""The record of one volume brought to the study's size, and how it came there.

Axes are (channel, i, j, k): i towards the patient's right, j to the front, k upwards (RAS+), where the file knows them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osler.modalities.images.grids.case import PLACES, Place

FRAME = "frame"  # (FRAMED,) float64: how the file lies, and where in the study's size
FRAMED = PLACES + 7
AXES = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """How a case lies in the study's size: its file's `place`, the size `inner` (3,) to which it was resampled along the stored axes,
    and the index `start` (3,) at which its first place lies; below 0 where the case is cut. `placed` is whether the file says where it
    lies: else no axis is known to lead from left to right."""

    place: Place
    inner: tuple[int, ...]
    start: tuple[int, ...]
    placed: bool = True

    def array(self) -> np.ndarray:
        """Return (FRAMED,) float64."""
        return np.concatenate(
            [self.place.array(), np.array(self.inner, np.float64), np.array([*self.start, self.placed], np.float64)]
        )

    @classmethod
    def of(cls, values: np.ndarray) -> Frame:
        """Return what `array` gave."""
        inner, start, (placed,) = np.split(values[PLACES:], (AXES, 2 * AXES))
        place = Place.of(values[:PLACES], axes=AXES)
        return cls(place, tuple(int(v) for v in inner), tuple(int(v) for v in start), bool(placed))

    def spacing(self) -> np.ndarray:
        """Return the millimetres between places of the study's size (3,)."""
        return self.place.spacing() * np.array(self.place.shape()) / np.array(self.inner)

    def inside(self, size: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Return which part of a field of `size` the case fills, and which part of the resampled case that is."""
        ends = zip(self.start, self.inner, size, strict=True)
        there = [(max(0, s), min(s + n, whole)) for s, n, whole in ends]
        own = [slice(a - s, b - s) for (a, b), s in zip(there, self.start, strict=True)]
        return tuple(slice(a, b) for a, b in there), tuple(own)


@dataclass(frozen=True, slots=True)
class VolumeImage:
    """One volume, read: `pixels` (channel, i, j, k) in the size and type that were decided, and its `frame`.

    `patient` and `scanner` are 64-bit hashes of what the file's header says, 0 where it says nothing.
    """

    pixels: np.ndarray
    frame: Frame
    patient: int = 0
    scanner: int = 0
