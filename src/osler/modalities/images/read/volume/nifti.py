"""NIfTI-1 and NIfTI-2 headers (nifti.nimh.nih.gov; nifti1.h of 2007, nifti2.h of 2011), read as nibabel reads them."""

from __future__ import annotations

import math
import struct
from typing import Any, Literal

import numpy as np

from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume.block import PACKED, RAW, Layout
from osler.modalities.images.read.volume.bounds import check_affine
from osler.modalities.images.read.volume.world import affine_of

NEEDED = 544  # bytes: the longer of the two headers and what says whether extensions follow
_FORMS = ("sizeof_hdr", "dim", "datatype", "pixdim", "vox_offset", "scl_slope", "scl_inter", "xyzt_units", "descrip", "aux_file",
          "qform_code", "sform_code", "quatern", "qoffset", "srow", "intent_name", "magic", "db_name")  # fmt: skip
_TYPES_1 = (
    "i4",
    "8i2",
    "i2",
    "8f4",
    "f4",
    "f4",
    "f4",
    "u1",
    "S80",
    "S24",
    "i2",
    "i2",
    "3f4",
    "3f4",
    "(3,4)f4",
    "S16",
    "S4",
    "S18",
)
_PLACES_1 = (0, 40, 70, 76, 108, 112, 116, 123, 148, 228, 252, 254, 256, 268, 280, 328, 344, 14)
_TYPES_2 = (
    "i4",
    "8i8",
    "i2",
    "8f8",
    "i8",
    "f8",
    "f8",
    "i4",
    "S80",
    "S24",
    "i4",
    "i4",
    "3f8",
    "3f8",
    "(3,4)f8",
    "S16",
    "S8",
    "S1",
)
_PLACES_2 = (0, 16, 12, 104, 168, 176, 184, 500, 240, 320, 344, 348, 352, 376, 400, 508, 4, 539)


def _form(types: tuple[str, ...], places: tuple[int, ...], *, size: int, order: Literal["<", ">"]) -> np.dtype:
    form = np.dtype({"names": list(_FORMS), "formats": list(types), "offsets": list(places), "itemsize": size})
    return form.newbyteorder(order)


_ORDERS: tuple[Literal["<", ">"], ...] = ("<", ">")
# by the first four bytes: the header's own size, in the byte order that it is written in
_BY_START = {
    struct.pack(f"{order}i", size): (_form(types, places, size=size, order=order), order)
    for size, types, places in ((348, _TYPES_1, _PLACES_1), (540, _TYPES_2, _PLACES_2))
    for order in _ORDERS
}
_DATATYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_COLOURS = {128: 3, 2304: 4}  # RGB and RGBA, bytes side by side
_MILLIMETRES = {1: 1000.0, 3: 0.001}  # xyzt_units: metres and micrometres; all else counts as millimetres
_UNITS = 0x07
_EXTENSIONS = "extensions"
_WORDS = ("descrip", "aux_file", "db_name", "intent_name")


def is_nifti(start: bytes) -> bool:
    """Return whether a file, unpacked, that begins with `start` is NIfTI, or the header of a pair."""
    return start[:4] in _BY_START


def layout_of(start: bytes, *, file: str, packed: bool) -> Layout:
    """Return the layout of a file whose first NEEDED bytes, unpacked, are `start`; raises Unusable."""
    form, order = _BY_START[start[:4]]
    if len(start) < form.itemsize:
        raise Unusable("damaged", "the file is cut off in its NIfTI header; fetch or export it again")
    fields = np.frombuffer(start, form, count=1)[0]
    _check_single(fields["magic"])
    shape, channels = _axes([int(n) for n in fields["dim"]])
    dtype, colours = _stored(int(fields["datatype"]), order=order)
    if colours > 1 and channels > 1:
        raise Unusable("axes", "the NIfTI file holds several volumes in colour; save one of them")
    slope, intercept = (1.0, 0.0) if colours > 1 else _scale(float(fields["scl_slope"]), float(fields["scl_inter"]))
    return Layout(
        file=file,
        offset=_offset(float(fields["vox_offset"]), least=form.itemsize + 4),
        shape=shape,
        dtype=dtype,
        affine=check_affine(_affine(fields, shape)),
        channels=max(channels, colours),
        inner=colours > 1,
        packing=PACKED if packed else RAW,
        whole=packed,
        slope=slope,
        intercept=intercept,
        identifying=_identifying(fields, start[form.itemsize : form.itemsize + 4]),
    )


def _check_single(magic: bytes) -> None:
    if magic.startswith(b"n+"):
        return
    if magic.startswith(b"ni"):
        raise Unusable("pair", "the file is half of a pair (.hdr and .img); save both as one file, .nii.gz")
    raise Unusable("format", "the file is an Analyze header, which does not say where left is; save it as NIfTI (.nii.gz)")


def _axes(dim: list[int]) -> tuple[tuple[int, ...], int]:
    """Return shape and channels of the header's dim: its count, then the lengths of i, j, k, time, and further axes."""
    count = dim[0]
    if not 1 <= count <= 7 or min(dim[1 : count + 1]) < 1:
        raise Unusable("axes", "the NIfTI header names an axis without voxels")
    lengths = dim[1 : count + 1]
    if count < 2:
        raise Unusable("axes", "the NIfTI file holds a line of values, no picture")
    further = [n for n in lengths[3:] if n > 1]
    if len(further) > 1:
        raise Unusable("axes", "the NIfTI file has more than four axes; save one volume, or its channels as the fourth axis")
    return tuple(lengths[:3]), further[0] if further else 1


def _stored(code: int, *, order: Literal["<", ">"]) -> tuple[np.dtype, int]:
    if code in _COLOURS:
        return np.dtype("u1"), _COLOURS[code]
    if code not in _DATATYPES:
        raise Unusable(
            "values", f"the NIfTI file holds values of a type that is not read (code {code}); save them as int16 or float32"
        )
    return np.dtype(_DATATYPES[code]).newbyteorder(order), 1


def _scale(slope: float, intercept: float) -> tuple[float, float]:
    """Return slope and intercept; a slope of 0, or one that is no number, means that values are as stored."""
    if slope == 0 or not math.isfinite(slope):
        return 1.0, 0.0
    if not math.isfinite(intercept):
        raise Unusable("units", "the NIfTI header names an intercept that is no number")
    return slope, intercept


def _offset(named: float, *, least: int) -> int:
    if not math.isfinite(named) or named > 1 << 40:
        raise Unusable("damaged", "the NIfTI header does not say where the voxels begin; fetch or export the file again")
    return max(int(named), least)


def _affine(fields: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return the affine: of the sform where its code says so, else of the qform, else of the spacing alone."""
    scale = _MILLIMETRES.get(int(fields["xyzt_units"]) & _UNITS, 1.0)
    if int(fields["sform_code"]) > 0:
        affine = np.vstack([np.asarray(fields["srow"], np.float64), [0, 0, 0, 1]])
    elif int(fields["qform_code"]) > 0:
        affine = _rotated(fields)
    else:  # as nibabel: i to the left, the middle voxel at 0
        steps = np.diag(np.asarray(fields["pixdim"][1:4], np.float64) * (-1, 1, 1))
        middle = [(n - 1) / 2 for n in (*shape, 1)[:3]]
        affine = affine_of(steps, -steps @ np.array(middle))
    affine[:3] *= scale
    return affine


def _rotated(fields: Any) -> np.ndarray:
    """Return the affine of the qform: a unit quaternion, the spacing, and in pixdim[0] whether k is mirrored."""
    b, c, d = (float(x) for x in fields["quatern"])
    square = 1 - (b * b + c * c + d * d)
    if not square > -1e-6:  # also where it is no number
        raise Unusable("geometry", "the NIfTI header's rotation (its quaternion) is none")
    a = math.sqrt(max(square, 0.0))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    sides = np.asarray(fields["pixdim"][1:4], np.float64) * (1, 1, -1 if fields["pixdim"][0] == -1 else 1)
    return affine_of(rotation * sides, np.asarray(fields["qoffset"], np.float64))


def _identifying(fields: Any, flag: bytes) -> tuple[str, ...]:
    names = [name for name in _WORDS if bytes(fields[name]).strip(b"\0 ")]
    return (*names, _EXTENSIONS) if flag[:1] not in {b"", b"\0"} else tuple(names)
