"""From the values in masks to classes and regions, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.core.marks import UNMARKED

VALUES = 256
Box = tuple[slice, ...]


def classes(info: Mapping[str, Any]) -> np.ndarray:
    """Return (256,) uint8 of exclusive labels: the class of each value, 0 the background, 255 what nobody looked at or named."""
    table = np.full(VALUES, UNMARKED, np.uint8)
    table[0] = 0
    for number, values in enumerate(info["values"], start=1):
        table[list(values)] = number
    return table


def regions(info: Mapping[str, Any]) -> np.ndarray:
    """Return (labels, 256) bool: which values of its channel belong to each label; no values stand for all but 0 and 255."""
    table = np.zeros((len(info["values"]), VALUES), bool)
    for number, values in enumerate(info["values"]):
        table[number, list(values) or slice(1, UNMARKED)] = True
    return table


def exclusive(info: Mapping[str, Any]) -> bool:
    """Return whether each place has one label at most."""
    return bool(info["kind"] == "exclusive")


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a case: `values` (channels, i, j[, k]) uint8 and what they mean."""

    values: np.ndarray
    info: Mapping[str, Any]
    table: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, info: Mapping[str, Any]) -> Truth:
        """Return the truth of a case under `info`."""
        return cls(values, info, regions(info))

    def mask(self, label: int, box: Box) -> np.ndarray:
        """Return where in `box` the label is, bool."""
        values, held = self.values[self.info["channel"][label]][box], self.info["values"][label]
        return np.asarray(values == held[0]) if len(held) == 1 else translated(values, self.table[label])

    def seen(self, label: int, box: Box) -> np.ndarray:
        """Return where in `box` somebody looked for the label, bool."""
        return np.asarray(self.values[self.info["channel"][label]][box] != UNMARKED)

    def boxes(self) -> list[Box | None]:
        """Return the smallest box around each label, None where it is nowhere."""
        from scipy.ndimage import find_objects

        channels = [find_objects(np.asarray(channel), max_label=VALUES - 1) for channel in self.values]
        found: list[Box | None] = []
        for label, channel in enumerate(self.info["channel"]):
            held = [channels[channel][value - 1] for value in np.flatnonzero(self.table[label]) if value > 0]
            found.append(joined([box for box in held if box is not None]))
        return found


@dataclass(frozen=True, slots=True)
class Canvas:
    """What is marked: `array` (1, i, j[, k]) uint8 holds classes of exclusive labels, or (labels, i, j[, k]) 1 where a label is."""

    array: np.ndarray
    exclusive: bool

    @classmethod
    def blank(cls, shape: tuple[int, ...], info: Mapping[str, Any]) -> Canvas:
        """Return an empty canvas of `shape` (i, j[, k])."""
        alone = exclusive(info)
        return cls(np.zeros((1 if alone else len(info["names"]), *shape), np.uint8), alone)

    def mask(self, label: int, box: Box) -> np.ndarray:
        """Return where in `box` the label is marked, bool."""
        if self.exclusive:
            return np.asarray(self.array[0][box] == label + 1)
        return self.array[label][box].view(bool)

    def boxes(self, labels: int) -> list[Box | None]:
        """Return the smallest box around each of so many labels, None where it is nowhere."""
        from scipy.ndimage import find_objects

        if self.exclusive:
            return list(find_objects(self.array[0], max_label=labels))
        return [find_objects(one, max_label=1)[0] for one in self.array]

    def erase(self, label: int, box: Box, where: np.ndarray) -> None:
        """Take the label's marks away `where` (box) is true."""
        self.array[0 if self.exclusive else label][box][where] = 0

    def values(self, info: Mapping[str, Any]) -> np.ndarray:
        """Return the marks as they are written: of exclusive labels the (first) value of each, of others 1 in their own channel."""
        if not self.exclusive:
            return self.array
        table = np.array([0, *(values[0] for values in info["values"])], np.uint8)
        return np.stack([translated(one, table) for one in self.array])


def translated(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return `table` (256,) at each of `values` uint8, slice by slice: an index at once would take eight bytes a place."""
    found = np.empty(values.shape, table.dtype)
    for at, part in enumerate(values):
        found[at] = table[part]
    return found


def joined(boxes: list[Box]) -> Box | None:
    """Return the smallest box around all `boxes`."""
    if not boxes:
        return None
    return tuple(slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*boxes, strict=True))
