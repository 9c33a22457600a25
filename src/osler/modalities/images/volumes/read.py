"""From files to a volume in the study's size and type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from osler.core.errors import Refusal, Refused
from osler.modalities.images.case import ImageFiles
from osler.modalities.images.grids import read as grids
from osler.modalities.images.grids.case import GridImage
from osler.modalities.images.grids.resample import resampled
from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume import header_of
from osler.modalities.images.volumes.case import AXES, Frame, VolumeImage


def read(locator: ImageFiles | None, *, reading: Mapping[str, Any]) -> VolumeImage | None:
    """Return one volume with its channels behind one another, None where there is no file; raises Refused with the reason, whatever a
    file holds."""
    case = grids.read(locator, reading={**reading, "axes": AXES}, marks=False)
    if case is None or locator is None:
        return None
    # a file that knows no geometry is given the identity; one that says the identity is looked at once more
    known = not np.array_equal(case.place.grid.affine, np.eye(4)) or _knows(locator, reading=reading)
    frame = replace(framed(case, reading=reading), placed=known)
    if reading["spacing"] is not None and not known:
        sentence = "the file does not know its spacing and the study's others do; save it with its geometry, or set spacing=null"
        raise Refused(Refusal("geometry", sentence, locator.columns[0]))
    return VolumeImage(_pixels(case, frame, reading=reading), frame, patient=case.patient, scanner=case.scanner)


def _knows(locator: ImageFiles, *, reading: Mapping[str, Any]) -> bool:
    try:
        return header_of(locator.paths[0], series=reading["series"]).geometry
    except Unusable:
        return False


def framed(case: GridImage, *, reading: Mapping[str, Any]) -> Frame:
    """Return how a case comes to lie in the study's size: in its middle, with the study's spacing, or as large as it fits."""
    size = tuple(int(n) for n in reading["size"])
    own = case.place.shape()
    if reading["fit"] == "stretch":
        inner = size
    elif reading["spacing"] is None:
        grow = min(n / side for n, side in zip(size, own, strict=True))
        inner = tuple(min(n, max(1, round(side * grow))) for n, side in zip(size, own, strict=True))
    else:
        share = case.place.spacing() / np.asarray(reading["spacing"], np.float64)
        inner = tuple(max(1, round(side * float(one))) for side, one in zip(own, share, strict=True))
    start = tuple((n - side) // 2 for n, side in zip(size, inner, strict=True))
    return Frame(case.place, inner, start)


def _pixels(case: GridImage, frame: Frame, *, reading: Mapping[str, Any]) -> np.ndarray:
    """Return (channels, *size) in the study's type."""
    values = _windowed(case.place.to_stored(case.values), reading["window"])
    values = values if values.shape[1:] == frame.inner else resampled(values, frame.inner, kernel="linear")
    size = tuple(int(n) for n in reading["size"])
    dtype = np.dtype(str(reading["dtype"]))
    if frame.inner == size:
        return _in_type(values, dtype=dtype)
    there, own = frame.inside(size)
    kept = values[:, *own]
    pad = float(kept.min()) if reading["pad"] is None else float(reading["pad"])
    out = np.full((len(values), *size), pad, np.result_type(values.dtype, np.float32))
    out[:, *there] = kept
    return _in_type(out, dtype=dtype)


def _windowed(values: np.ndarray, window: Any) -> np.ndarray:
    if window is None:
        return values
    centre, width = float(window[0]), float(window[1])
    return np.clip(values.astype(np.float32, copy=False), centre - width / 2, centre + width / 2)


def _in_type(values: np.ndarray, *, dtype: np.dtype) -> np.ndarray:
    if values.dtype == dtype or dtype.kind == "f":
        return np.ascontiguousarray(values, dtype)
    ends = np.iinfo(dtype)
    return np.clip(np.rint(values), ends.min, ends.max).astype(dtype)
