"""The cases of a side as slices: a picture is one, a volume has as many as places along its last axis (axial, as stored)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.core.errors import StudyError

TARGET = "wanted"  # the input that a maker reads a target into


@dataclass(frozen=True, slots=True)
class Side:
    """The images of one modality: `columns` of the cases, and the `name` of the field that holds them, (channels, i, j[, k])."""

    columns: Columns
    name: str

    @classmethod
    def of(cls, columns: Columns) -> Side:
        """Return the side whose images are the field on a grid; raises StudyError where there is none."""
        for field in columns.fields:
            if field.role == "input" and field.warp == "linear" and None in field.shape:
                return cls(columns, field.name)
        raise StudyError("translation is of images, and an input holds none; give a column of pictures or volumes")

    @property
    def present(self) -> np.ndarray:
        """Which cases (n,) have an image."""
        return self.columns.present

    @property
    def channels(self) -> int:
        """Channels of each image."""
        return int(self.columns.field(self.name).shape[0] or 1)

    @property
    def axes(self) -> int:
        """2 of pictures, 3 of volumes."""
        return len(self.columns.field(self.name).shape) - 1

    @property
    def dtype(self) -> str:
        """Numpy's name of the stored type."""
        return self.columns.field(self.name).dtype

    @property
    def kind(self) -> str:
        """DICOM's word for the kind of image, "" where unknown."""
        return next(iter(self.columns.field(self.name).labels), "")

    def shape(self, row: int) -> tuple[int, ...]:
        """Return the shape (i, j[, k]) of case `row`."""
        array = self.columns[self.name]
        assert isinstance(array, Ragged)
        assert array.shapes is not None
        return tuple(int(side) for side in array.shapes[row][1:])

    def image(self, row: int) -> np.ndarray:
        """Return the image (channels, i, j[, k]) of case `row` as stored, a view."""
        return np.asarray(self.columns[self.name][row])

    def depth(self, row: int) -> int:
        """Return how many slices case `row` has."""
        shape = self.shape(row)
        return shape[2] if len(shape) == 3 else 1


def sides(columns: Mapping[str, Columns]) -> tuple[Side, Side]:
    """Return source and target: the first input, and the one named TARGET."""
    first = next(name for name in columns if name != TARGET)
    return Side.of(columns[first]), Side.of(columns[TARGET])


def cut(image: np.ndarray, at: int, *, beside: int) -> np.ndarray:
    """Return slice `at` of an image (channels, i, j[, k]) with `beside` neighbours on each side as further channels,
    (channels × (2 × beside + 1), i, j): from below to above, the outermost repeated at the ends."""
    if image.ndim == 3:
        return image
    chosen = np.clip(np.arange(at - beside, at + beside + 1), 0, image.shape[-1] - 1)
    return np.moveaxis(image[..., chosen], -1, 0).reshape(-1, *image.shape[1:3])


def stacked(image: np.ndarray, *, beside: int) -> np.ndarray:
    """Return all slices (depth, channels × (2 × beside + 1), i, j) of an image."""
    if image.ndim == 3:
        return image[None]
    return np.stack([cut(image, at, beside=beside) for at in range(image.shape[-1])])


def unstacked(slices: np.ndarray, *, axes: int) -> np.ndarray:
    """Return the image (channels, i, j[, k]) of slices (depth, channels, i, j)."""
    return slices[0] if axes == 2 else np.moveaxis(slices, 0, -1)
