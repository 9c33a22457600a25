"""From files to a case on its own grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.errors import Refusal, Refused
from osler.modalities.images.case import ImageFiles
from osler.modalities.images.grids.case import GridImage
from osler.modalities.images.grids.place import placed
from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume import RawVolume, load_mask, load_volume

NEAR = 1e-2  # millimetres by which the corners of channels of one case may lie apart


def read(locator: ImageFiles | None, *, reading: Mapping[str, Any], marks: bool) -> GridImage | None:
    """Return one case with its channels behind one another, and its masks where `marks` asks for them; None where there is no file.
    Raises Refused with the reason, whatever a file holds."""
    if locator is None:
        return None
    raws = [_raw(path, column=name, reading=reading) for path, name in zip(locator.paths, locator.columns, strict=True)]
    first = raws[0]
    _check(raws, locator, reading=reading)
    place = placed(first.values.shape[1:], _affine(first))
    values = first.values if len(raws) == 1 else np.concatenate([raw.values for raw in raws])
    patients, scanners = ({getattr(raw, name) for raw in raws} - {0} for name in ("patient", "scanner"))
    if len(patients) > 1:
        raise Refused(Refusal("patient", "the channels of this case name different patients", locator.columns[-1]))
    mask = _masks(locator, first, reading=reading) if marks else None
    return GridImage(values, place, mask, patient=min(patients, default=0), scanner=min(scanners, default=0))


def _raw(path: str, *, column: str, reading: Mapping[str, Any]) -> RawVolume:
    try:
        return load_volume(path, series=reading["series"])
    except Unusable as fault:
        raise Refused(Refusal(fault.code, fault.sentence, column)) from None


def _affine(raw: RawVolume) -> np.ndarray:
    return np.asarray(raw.affine if raw.geometry else np.eye(4), np.float64)


def _check(raws: list[RawVolume], locator: ImageFiles, *, reading: Mapping[str, Any]) -> None:
    """Raise Refused for a case of another kind than the study's, and for channels that do not lie on one grid."""
    first = raws[0]
    shape, axes = first.values.shape[1:], int(reading["axes"])
    if len(shape) != axes:
        one, others = {2: "a picture of one slice", 3: "a volume"}, {2: "pictures", 3: "volumes"}
        sentence = f"the file is {one.get(len(shape), 'of other axes')} and the study's others are {others[axes]}"
        raise Refused(Refusal("axes", sentence, locator.columns[0]))
    for raw, column in zip(raws[1:], locator.columns[1:], strict=True):
        alike = raw.values.shape[1:] == shape and (
            not (raw.geometry and first.geometry) or _apart(raw.affine, first.affine, shape) < NEAR
        )
        if not alike:
            sentence = "the channels of this case lie on different grids; resample them to one, or make each an input of its own"
            raise Refused(Refusal("geometry", sentence, column))
    channels = sum(len(raw.values) for raw in raws)
    if channels != int(reading["channels"]):
        sentence = f"the case has {channels} channels and the study's others have {reading['channels']}"
        raise Refused(Refusal("channel", sentence, locator.columns[0]))
    if any(raw.values.dtype.kind == "f" and not np.isfinite(raw.values).all() for raw in raws):
        raise Refused(Refusal("not_finite", "the file holds values that are no numbers (NaN or infinity)", locator.columns[0]))


def _apart(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> float:
    """Return by how many millimetres the corners of a grid lie apart under two affines."""
    ends = [(0, side - 1) for side in (*shape, *(1,) * (3 - len(shape)))]
    corners = np.array(np.meshgrid(*ends, indexing="ij")).reshape(3, -1)
    away = (first - second)[:3, :3] @ corners + (first - second)[:3, 3:]
    return float(np.linalg.norm(away, axis=0).max())


def _masks(locator: ImageFiles, raw: RawVolume, *, reading: Mapping[str, Any]) -> np.ndarray | None:
    """Return (columns, axes) uint8; None where no mask is named."""
    if not any(locator.masks):
        return None
    found = []
    for path, column in zip(locator.masks, locator.mask_columns, strict=True):
        if path is None:
            raise Refused(Refusal("mask", "another mask of this case is there, this one is missing; give all of them", column))
        try:
            found.append(load_mask(path, like=raw.values.shape[1:], affine=raw.affine if raw.geometry else np.eye(4)))
        except Unusable as fault:
            raise Refused(Refusal(fault.code, fault.sentence, column)) from None
    mask = np.concatenate(found)
    if len(mask) != int(reading["masks"]):
        sentence = f"the mask has {len(mask)} channels and the study's others have {reading['masks']}"
        raise Refused(Refusal("mask", sentence, locator.mask_columns[0]))
    return mask
