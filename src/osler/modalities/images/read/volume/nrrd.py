"""NRRD headers (teem.sourceforge.net/nrrd/format.html, NRRD0001 to NRRD0005): lines of `field: value` until an empty one."""

from __future__ import annotations

import re

import numpy as np

from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume.block import PACKED, RAW, TO_END, Layout
from osler.modalities.images.read.volume.bounds import check_affine
from osler.modalities.images.read.volume.detached import beside
from osler.modalities.images.read.volume.textual import numbers
from osler.modalities.images.read.volume.world import affine_of, from_lps

MOST_HEADER = 1 << 16
_TYPES = {
    "i1": "signed char, int8, int8_t", "u1": "uchar, unsigned char, uint8, uint8_t", "f4": "float", "f8": "double",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t", "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
}  # fmt: skip
_BY_NAME = {name.strip(): code for code, names in _TYPES.items() for name in names.split(",")}
_SIGNS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
    "right-posterior-superior": (-1, 1, 1),
}  # fmt: skip  what turns a space into LPS; a space without a name counts as LPS, as ITK reads it
_KNOWN = {
    "type", "dimension", "space", "sizes", "space directions", "space dimension", "kinds", "endian", "encoding", "space origin",
    "spacings", "spacing", "thicknesses", "axis mins", "axis maxs", "centers", "centerings", "labels", "units", "space units", "min",
    "max", "old min", "old max", "block size", "line skip", "byte skip", "data file", "datafile", "measurement frame", "number",
    "sample units",
}  # fmt: skip


def is_nrrd(start: bytes) -> bool:
    """Return whether a file that begins with `start` is NRRD."""
    return start.startswith(b"NRRD000")


def layout_of(start: bytes, *, file: str) -> Layout:
    """Return the layout of a file whose first MOST_HEADER bytes are `start`; raises Unusable."""
    fields, own, end = _fields(start)
    sizes = [int(n) for n in numbers(fields.get("sizes", ""), what="sizes", whole=True)]
    if not 2 <= len(sizes) <= 4 or fields.get("dimension", "").strip() != str(len(sizes)):
        raise Unusable("axes", "the NRRD file has other than 2, 3 or 4 axes, or contradicts itself about them")
    channel = _channel(fields, len(sizes))
    axes = [n for n in range(len(sizes)) if n != channel]
    where, offset = _place(fields, file=file, end=end)
    geometry = any(name in fields for name in ("space directions", "spacings", "spacing"))
    unknown = [name for name in fields if name not in _KNOWN and fields[name]]
    return Layout(
        file=where,
        offset=offset,
        shape=tuple(sizes[n] for n in axes),
        dtype=_stored(fields),
        affine=check_affine(_affine(fields, axes)) if geometry else np.eye(4),
        channels=1 if channel is None else sizes[channel],
        inner=channel == 0,
        packing=_packing(fields),
        geometry=geometry,
        identifying=tuple(sorted({*unknown, *own})),
    )


def _fields(start: bytes) -> tuple[dict[str, str], list[str], int]:
    """Return the fields by name in small letters, the names of the writer's own keys, and where the header ends."""
    fields: dict[str, str] = {}
    own: list[str] = []
    at = start.find(b"\n") + 1
    while at and (stop := start.find(b"\n", at, MOST_HEADER)) >= 0:
        line = start[at:stop].decode("utf-8", "replace").rstrip("\r")
        at = stop + 1
        if not line:
            return fields, own, at
        if line.startswith("#"):
            continue
        key, sign, value = line.partition(":")
        if value.startswith("="):
            own.append(key)
        elif sign:
            fields[key.strip().lower()] = value.strip()
    if any(name in fields for name in ("data file", "datafile")):  # a header alone may end with its file
        return fields, own, at
    raise Unusable("damaged", "the NRRD header does not end; fetch or export the file again")


def _stored(fields: dict[str, str]) -> np.dtype:
    code = _BY_NAME.get(fields.get("type", "").lower())
    if code is None:
        raise Unusable("values", "the NRRD file holds values of a type that is not read; save them as short or float")
    order = fields.get("endian", "little").lower()
    if order not in {"little", "big"}:
        raise Unusable("damaged", "the NRRD header names no byte order that is known")
    return np.dtype(code).newbyteorder("<" if order == "little" else ">")


def _packing(fields: dict[str, str]) -> str:
    encoding = fields.get("encoding", "raw").lower()
    if encoding not in {"raw", "gzip", "gz"}:
        raise Unusable("packing", "the NRRD file is written as text or with bzip2; save it raw or with gzip")
    return RAW if encoding == "raw" else PACKED


def _place(fields: dict[str, str], *, file: str, end: int) -> tuple[str, int]:
    """Return the file that holds the values, and where they begin in it."""
    skipped = int(numbers(fields.get("byte skip", "0"), what="byte skip", whole=True)[0])
    if fields.get("line skip", "0") != "0" or skipped < -1 or (skipped == -1 and _packing(fields) == PACKED):
        raise Unusable("format", "the NRRD header skips lines of its data file; save it as one file, .nrrd")
    name = fields.get("data file", fields.get("datafile"))
    if name is None:
        return file, end + max(skipped, 0)
    if name.startswith("LIST") or "%" in name:
        raise Unusable("format", "the NRRD header names a list of files; save it as one, .nrrd")
    return beside(file, name), TO_END if skipped == -1 else skipped


def _channel(fields: dict[str, str], count: int) -> int | None:
    """Return which axis is none of space: one without a direction, or of such a kind, or the last of four."""
    named = _vectors(fields, count)
    kinds = fields.get("kinds", "").lower().split()
    if named is not None:
        outer = [n for n, vector in enumerate(named) if vector is None]
    else:
        outer = [n for n, kind in enumerate(kinds[:count]) if kind not in {"domain", "space", "???", "none"}]
        outer = outer or ([3] if count == 4 else [])
    if len(outer) > 1 or count - len(outer) not in {2, 3}:
        raise Unusable(
            "axes", "the NRRD file has several axes beside those of space, or more than three of space; save one volume"
        )
    if outer and outer[0] not in {0, count - 1}:
        raise Unusable("axes", "the NRRD file has its channels between its axes of space; move them to the front")
    return outer[0] if outer else None


def _vectors(fields: dict[str, str], count: int) -> list[list[float] | None] | None:
    """Return the step of each axis, None of an axis that is none of space; None where the file names no steps."""
    text = fields.get("space directions")
    if text is None:
        return None
    words = re.findall(r"none|\([^()]*\)", text)
    if len(words) != count:
        raise Unusable("damaged", "the header's field 'space directions' does not hold one direction for each axis")
    found = [None if word == "none" else numbers(word[1:-1], what="space directions") for word in words]
    # Slicer and others write a direction of nan for an axis of components
    lengths = {len(vector) for vector in found if vector is not None}
    if len(lengths) > 1 or not lengths <= {2, 3}:
        raise Unusable("damaged", "the header's field 'space directions' does not hold directions of one length")
    return found


def _affine(fields: dict[str, str], axes: list[int]) -> np.ndarray:
    count = max(axes) + 1 if "sizes" not in fields else len(fields["sizes"].split())
    named = _vectors(fields, count)
    steps, origin = np.eye(3), np.zeros(3)
    if named is None:
        words = fields.get("spacings", fields.get("spacing", "")).lower().split()
        sides = numbers(" ".join(words[n] for n in axes if n < len(words)), what="spacings", length=len(axes))
        steps[range(len(axes)), range(len(axes))] = sides
    else:
        for column, axis in enumerate(axes):
            vector = named[axis] or []
            steps[: len(vector), column] = vector
        if len(axes) == 2 and steps[2, :2].any():
            steps[:, 2] = np.cross(steps[:, 0], steps[:, 1])
            steps[:, 2] /= max(float(np.linalg.norm(steps[:, 2])), 1e-12)
    if "space origin" in fields:
        start = numbers(fields["space origin"].strip("()"), what="space origin")
        origin[: len(start)] = start[:3]
    return from_lps(np.diag([*_signs(fields), 1.0]) @ affine_of(steps, origin))


def _signs(fields: dict[str, str]) -> tuple[int, int, int]:
    space = fields.get("space", "").lower()
    if space and space not in _SIGNS and not space.startswith("3d-"):
        raise Unusable("geometry", "the NRRD header names a space that is not known; save it as left-posterior-superior")
    return _SIGNS.get(space, (1, 1, 1))
