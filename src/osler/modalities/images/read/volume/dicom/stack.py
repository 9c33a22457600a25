"""Slices in their order: sorted by where they lie, never by name, and refused where they are not one evenly spaced stack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume.block import taken
from osler.modalities.images.read.volume.bounds import check_affine, check_size
from osler.modalities.images.read.volume.dicom.picture import Picture, Place
from osler.modalities.images.read.volume.numbers import type_of_span
from osler.modalities.images.read.volume.record import VolumeHeader
from osler.modalities.images.read.volume.world import affine_of, from_lps, swapped

SAME = 1e-3  # millimetres between two positions that count as one
UNEVEN = 0.01  # share of the spacing by which a slice may lie off its place: positions are written with few digits
UNEVEN_LEAST = 0.02  # millimetres, for thin slices
ALIKE = 1e-3  # how far directions, and spacings as a share, may differ within a series


@dataclass(frozen=True, slots=True)
class Frame:
    """Frame number `index` of a file, at its place."""

    picture: Picture
    index: int

    @property
    def place(self) -> Place:
        """Where it lies."""
        return self.picture.places[self.index]


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames in the order of k, and what the volume of them is: see `VolumeHeader`. One frame alone is a picture."""

    frames: tuple[Frame, ...]
    affine: np.ndarray
    geometry: bool
    dtype: np.dtype
    channels: int

    @property
    def flat(self) -> bool:
        """Whether there is one frame only."""
        return len(self.frames) == 1

    @property
    def shape(self) -> tuple[int, ...]:
        """(i, j) down the rows and along the columns of a picture; (i, j, k) along the columns and down the rows of a volume."""
        one = self.frames[0].picture
        return (one.rows, one.columns) if self.flat else (one.columns, one.rows, len(self.frames))


def header(stack: Stack) -> VolumeHeader:
    """Return what the headers say."""
    names = dict.fromkeys(name for frame in stack.frames for name in frame.picture.identifying)
    return VolumeHeader(
        shape=stack.shape,
        channels=stack.channels,
        affine=stack.affine,
        dtype=str(stack.dtype),
        modality=stack.frames[0].picture.modality,
        geometry=stack.geometry,
        identifying=tuple(names),
    )


def stacked(pictures: Sequence[Picture]) -> Stack:
    """Return the stack that the files make; raises Unusable."""
    _check_alike(pictures)
    first = pictures[0]
    frames = [Frame(picture, index) for picture in pictures for index in range(len(picture.places))]
    frames, affine = _placed(frames)
    if len(frames) == 1 and affine is not None:
        affine = swapped(affine)
    dtype = _dtype(frames)
    channels = 3 if first.samples == 3 or first.palette else 1
    bytes_each = max(dtype.itemsize, -(-first.allocated // 8))
    check_size((first.rows, first.columns, len(frames)), channels=channels, itemsize=bytes_each)
    known = affine is not None
    return Stack(tuple(frames), check_affine(affine) if affine is not None else np.eye(4), known, dtype, channels)


def _check_alike(pictures: Sequence[Picture]) -> None:
    first = pictures[0]
    if len({(p.rows, p.columns) for p in pictures}) > 1:
        raise Unusable("mixed", "the slices of the series differ in size; give those that belong together a folder of their own")
    if any(p.form != first.form or p.modality != first.modality for p in pictures):
        raise Unusable("mixed", "the slices of the series differ in how their pixels are stored (colours, tables, modality)")
    if len({p.patient for p in pictures} - {0}) > 1:
        raise Unusable("patient", "the slices of the series name different patients")


def _dtype(frames: Sequence[Frame]) -> np.dtype:
    one = frames[0].picture
    if one.floating:
        return np.dtype(np.float32)
    if one.palette:
        return np.dtype(f"u{one.palette // 8}")
    if one.samples == 3:
        if one.signed or one.allocated not in {8, 16, 32}:
            raise Unusable("colours", "the DICOM file has colours of a kind that is not read; save it as RGB or grey")
        return np.dtype(f"u{one.allocated // 8}")
    if one.table:
        return type_of_span(0, (1 << min(one.table, 16)) - 1, scales=((1.0, 0.0),))
    spans = [frame.picture.span for frame in frames]
    scales = {(frame.place.slope, frame.place.intercept) for frame in frames}
    return type_of_span(min(low for low, _ in spans), max(high for _, high in spans), scales=tuple(scales))


# geometry -------------------------------------------------------------------------------------------------------------


def _placed(frames: list[Frame]) -> tuple[list[Frame], np.ndarray | None]:
    """Return the frames in order and their affine, index (column, row, frame) → RAS+; None where the files know no spacing."""
    places = [frame.place for frame in frames]
    unplaced = [p.position is None or p.orientation is None for p in places]
    if any(unplaced) and not all(unplaced):
        raise Unusable("mixed", "some slices of the series say where they lie and some do not")
    if not all(unplaced):
        _check_parallel(places)
        return _sorted(frames)
    if len({frame.picture.path for frame in frames}) > 1:
        raise Unusable("unplaced", "the slices do not say where they lie (ImagePositionPatient); give a single file, or a volume")
    spacing = places[0].spacing
    if spacing is None or len(frames) > 1:
        return frames, None
    return frames, from_lps(np.diag([spacing[1], spacing[0], places[0].depth or 1.0, 1.0]))


def _check_parallel(places: Sequence[Place]) -> None:
    directions = np.array([p.orientation for p in places])
    if (np.abs(directions - directions[0]) > ALIKE).any():
        raise Unusable(
            "mixed", "the slices of the series lie in different directions; give those that belong together a folder of their own"
        )
    if any(p.spacing is None for p in places) and any(p.spacing is not None for p in places):
        raise Unusable("mixed", "some slices of the series name their spacing and some do not")
    if places[0].spacing is None:
        return
    spacings = np.array([p.spacing for p in places])
    if (np.abs(spacings / spacings[0] - 1) > ALIKE).any():
        raise Unusable("mixed", "the slices of the series differ in the spacing of their pixels")


def _sorted(frames: list[Frame]) -> tuple[list[Frame], np.ndarray | None]:
    """Return the frames along the normal of their planes, each position once, and the affine."""
    orientation = np.array(frames[0].place.orientation)
    rows, columns = orientation[:3], orientation[3:]
    normal = np.cross(rows, columns)
    positions = np.array([frame.place.position for frame in frames])
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    order = order[_single([frames[n] for n in order], along[order])]
    found = [frames[n] for n in order]
    spacing = found[0].place.spacing
    if len(found) > 1:
        step = _step(positions[order], along[order])
    else:
        step = normal * (found[0].place.depth or 1.0)
    if spacing is None:
        return found, None
    steps = np.stack([rows * spacing[1], columns * spacing[0], step], axis=1)
    return found, from_lps(affine_of(steps, positions[order[0]]))


def _single(frames: Sequence[Frame], along: np.ndarray) -> np.ndarray:
    """Return which of the sorted frames stay: of two at one place that are equal byte for byte, the first. Raises Unusable."""
    again = np.diff(along, prepend=-np.inf) < SAME
    if not again.any():
        return np.arange(len(frames))
    kept: list[int] = []
    for number, repeated in enumerate(again):
        if not (repeated and _equal(frames[kept[-1]].picture, frames[number].picture)):
            kept.append(number)
    still = np.diff(along[kept], prepend=-np.inf) < SAME
    if still.any():
        counts = set(Counter(np.cumsum(~still).tolist()).values())
        if len(counts) == 1:
            each = counts.pop()
            raise Unusable("time", f"{each} images lie at every position of the series (several times, echoes or weightings: 4-D); "
                           "give each a folder of its own")  # fmt: skip
        raise Unusable("duplicates", f"{int(still.sum())} images of the series lie where another one lies, and differ from it")
    return np.array(kept)


def _equal(one: Picture, other: Picture) -> bool:
    return one.path != other.path and taken(one.path) == taken(other.path)


def _step(positions: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return the step (3,) from one slice to the next, which may be oblique (a tilted gantry); raises Unusable where it varies."""
    steps = np.diff(along)
    usual = float(np.median(steps))
    allowed = max(UNEVEN * usual, UNEVEN_LEAST)
    if (np.abs(steps - usual) > allowed).any():
        raise _gap(steps, usual=usual)
    count = len(positions) - 1
    step = (positions[-1] - positions[0]) / count
    off = positions - positions[0] - np.arange(count + 1)[:, None] * step
    if np.abs(off).max() > 2 * allowed + 1e-3 * np.abs(positions).max():
        raise Unusable("gap", "the slices of the series do not lie on one line; a part of them was moved")
    return np.asarray(step)


def _gap(steps: np.ndarray, *, usual: float) -> Unusable:
    missing = np.rint(steps / usual) - 1
    whole = np.abs(steps - (missing + 1) * usual) <= max(UNEVEN * usual, UNEVEN_LEAST) * (missing + 1)
    if whole.all() and missing.sum() > 0:
        sentence = f"{int(missing.sum())} slices of the series are missing between others ({usual:.4g} mm apart); fetch them"
    else:
        sentence = f"the slices of the series are unevenly spaced, {steps.min():.4g} to {steps.max():.4g} mm; resample them"
    return Unusable("gap", sentence)
