"""The values of a stack: plain pixels straight from the file into their place, all others by pydicom and its decoders."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.modalities.images.read.content import Unusable, opened
from osler.modalities.images.read.quiet import quiet
from osler.modalities.images.read.volume.block import cut_off, taken
from osler.modalities.images.read.volume.bounds import MOST_BYTES, check_finite
from osler.modalities.images.read.volume.dicom import lossless
from osler.modalities.images.read.volume.dicom.compressed import check_frames
from osler.modalities.images.read.volume.dicom.general import pydicom
from osler.modalities.images.read.volume.dicom.picture import Picture, Place
from osler.modalities.images.read.volume.dicom.stack import Frame, Stack
from osler.modalities.images.read.volume.numbers import mirror_whole, rescaled, scale_whole

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_RLE = "1.2.840.10008.1.2.5"  # by pydicom itself: another reader that may be installed ends in a panic on damaged files


def values_of(stack: Stack) -> np.ndarray:
    """Return (channels, i, j) of a picture and (channels, i, j, k) of a volume, rescaled; raises Unusable."""
    one = stack.frames[0].picture
    colours = (stack.channels,) if stack.channels > 1 else ()
    planes = np.empty((len(stack.frames), one.rows, one.columns, *colours), stack.dtype)
    decoded: tuple[str, np.ndarray | None] = ("", None)
    for at, frame in enumerate(stack.frames):
        if frame.picture.offset:
            _plain(frame, planes[at])
            continue
        if decoded[0] != frame.picture.path:
            decoded = ("", None)  # let go of the last file before the next is decoded
            decoded = (frame.picture.path, _decoded(frame.picture))
        assert decoded[1] is not None
        planes[at] = _measured(decoded[1][frame.index], frame, dtype=stack.dtype)
    check_finite(planes)
    if colours:
        return planes[0].transpose(2, 0, 1) if stack.flat else planes.transpose(3, 2, 1, 0)
    return planes if stack.flat else planes.transpose(2, 1, 0)[None]


# plain pixels ---------------------------------------------------------------------------------------------------------


def _plain(frame: Frame, plane: np.ndarray) -> None:
    """Read the pixels of an uncompressed file into `plane` (rows, columns), in its type."""
    picture = frame.picture
    stored = np.dtype(f"<{'i' if picture.signed else 'u'}{picture.allocated // 8}")
    direct = plane.dtype.kind != "f" and plane.dtype.itemsize == stored.itemsize and stored.isnative
    target = plane.view(stored) if direct else np.empty(plane.shape, stored)
    _fill(frame, target)
    _extend(target, picture)
    place = frame.place
    if direct:
        scale_whole(plane, slope=int(place.slope), intercept=int(place.intercept))
    else:
        plane[:] = rescaled(target, slope=place.slope, intercept=place.intercept, dtype=plane.dtype)
    if picture.inverted:
        _invert(plane, picture, place)


def _fill(frame: Frame, target: np.ndarray) -> None:
    picture, before = frame.picture, frame.index * target.nbytes
    if picture.length < before + target.nbytes:
        raise cut_off()
    try:
        with opened(picture.path, most=MOST_BYTES) as stream:
            stream.seek(picture.offset + before)
            count = stream.readinto(target.reshape(-1).view(np.uint8).data)  # type: ignore[attr-defined]
    except OSError:
        raise Unusable("unreadable", "the file cannot be read to its end") from None
    if count < target.nbytes:
        raise cut_off()


def _extend(values: np.ndarray, picture: Picture) -> None:
    """Drop the bits beside those that are in use, and let the highest of those give the sign (PS3.5, 8.1.1)."""
    above, below = picture.allocated - 1 - picture.top, picture.top + 1 - picture.stored
    if above < 0 or below < 0:
        raise Unusable("depth", "the DICOM header contradicts itself about the bits of a pixel")
    if above:
        np.left_shift(values, above, out=values)
    if above + below:
        np.right_shift(values, above + below, out=values)


def _invert(plane: np.ndarray, picture: Picture, place: Place) -> None:
    """Turn a picture in which low values are white, within the values that it can have."""
    total = sum(value * place.slope + place.intercept for value in picture.span)
    if plane.dtype.kind == "f":
        np.subtract(plane.dtype.type(total), plane, out=plane)
        return
    mirror_whole(plane, total=int(total))


# all others -----------------------------------------------------------------------------------------------------------


def _decoded(picture: Picture) -> np.ndarray:
    """Return (frames, rows, columns[, 3]) as stored, colours as RGB; raises Unusable, or whatever a decoder raises."""
    with quiet():
        dataset = pydicom().dcmread(io.BytesIO(taken(picture.path)), force=True)
        if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
            raise Unusable("no_pixels", "the DICOM file holds no pixels (a report, a plan, or a header alone)")
        values = _array(dataset, picture)
        if picture.palette:
            from pydicom.pixels import apply_color_lut

            values = apply_color_lut(values, dataset)[..., :3]
        elif picture.table:
            from pydicom.pixels import apply_modality_lut

            values = np.asarray(apply_modality_lut(values, dataset))
    colours = (3,) if picture.samples == 3 or picture.palette else ()
    wanted = (len(picture.places), picture.rows, picture.columns, *colours)
    if values.size != np.prod(wanted):
        raise Unusable("axes", "the pixels have other axes than the header says")
    return values.reshape(wanted)


def _array(dataset: Dataset, picture: Picture) -> np.ndarray:
    from pydicom.pixels import pixel_array

    syntax: Any = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is None:  # PS3.10, 7.1: every file names it; implicit little endian is the default of the standard
        raise Unusable("syntax", "the DICOM file does not say how its pixels are written (no transfer syntax)")
    if syntax.is_compressed:
        check_frames(dataset, picture)
    if syntax in lossless.SYNTAXES:
        return lossless.frames_of(dataset, frames=len(picture.places))
    try:
        return np.asarray(pixel_array(dataset, decoding_plugin="pydicom" if syntax == _RLE else ""))
    except (RuntimeError, NotImplementedError):
        if not syntax.is_compressed:
            raise
        how = f"as {syntax.name}" if syntax.is_transfer_syntax and not syntax.is_private else "in a private way"
        sentence = (
            f"the pixels are compressed {how}, damaged or of a kind for which no reader is installed; write the file uncompressed"
        )
        raise Unusable("compression", sentence) from None


def _measured(values: np.ndarray, frame: Frame, *, dtype: np.dtype) -> np.ndarray:
    """Return one frame's values in the unit that the header names."""
    picture, place = frame.picture, frame.place
    if picture.samples == 3 or picture.palette or picture.table or picture.floating:
        found = values.astype(dtype, copy=False)
    else:
        found = rescaled(values, slope=place.slope, intercept=place.intercept, dtype=dtype)
    if picture.inverted and not picture.floating:
        found = np.array(found)
        _invert(found, picture, place)
    return found
