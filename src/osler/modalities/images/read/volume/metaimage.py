"""MetaImage headers (.mha, .mhd), as ITK writes them: lines of `Key = Value` until `ElementDataFile`."""

from __future__ import annotations

import numpy as np

from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume.block import PACKED, RAW, TO_END, Layout
from osler.modalities.images.read.volume.bounds import check_affine
from osler.modalities.images.read.volume.detached import beside
from osler.modalities.images.read.volume.textual import numbers
from osler.modalities.images.read.volume.world import affine_of, from_lps

MOST_HEADER = 1 << 16
_TYPES = {"MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4", "MET_LONG": "i4",
          "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8"}  # fmt: skip
_KNOWN = {
    "objecttype", "ndims", "binarydata", "binarydatabyteordermsb", "elementbyteordermsb", "compresseddata", "compresseddatasize",
    "transformmatrix", "rotation", "orientation", "offset", "position", "origin", "centerofrotation", "anatomicalorientation",
    "elementspacing", "elementsize", "dimsize", "elementnumberofchannels", "elementtype", "headersize", "elementdatafile", "elementmin",
    "elementmax", "objectsubtype", "transformtype", "id", "parentid", "color", "distanceunits", "itk_inputfiltername",
    "compressionlevel", "elementtointensityfunctionslope", "elementtointensityfunctionoffset", "modality", "sequenceid",
}  # fmt: skip


def is_metaimage(start: bytes) -> bool:
    """Return whether a file that begins with `start` is a MetaImage."""
    words = start[:4096].replace(b" ", b"").lower()
    return words.startswith((b"objecttype=", b"ndims=", b"comment=")) and b"ndims=" in words


def layout_of(start: bytes, *, file: str) -> Layout:
    """Return the layout of a file whose first MOST_HEADER bytes are `start`; raises Unusable."""
    fields, end = _fields(start)
    if fields.get("binarydata", "true").lower() != "true":
        raise Unusable("format", "the MetaImage holds its values as text; save it in binary")
    dims = numbers(fields.get("dimsize", ""), what="DimSize", whole=True)
    count = len(dims)
    if not 2 <= count <= 4 or fields.get("ndims", "").strip() != str(count):
        raise Unusable("axes", "the MetaImage has other than 2, 3 or 4 axes, or contradicts itself about them")
    colours = int(numbers(fields.get("elementnumberofchannels", "1"), what="ElementNumberOfChannels", whole=True)[0])
    if count == 4 and colours > 1:
        raise Unusable("axes", "the MetaImage has four axes and channels beside; save one volume")
    packed = fields.get("compresseddata", "false").lower() == "true"
    where, offset = _place(fields, file=file, end=end)
    return Layout(
        file=where,
        offset=0 if packed and offset == TO_END else offset,
        shape=tuple(int(n) for n in dims[:3]),
        dtype=_stored(fields),
        affine=check_affine(_affine(fields, count)),
        channels=int(dims[3]) if count == 4 else colours,
        inner=colours > 1,
        packing=PACKED if packed else RAW,
        geometry="elementspacing" in fields,
        identifying=tuple(sorted(name for name in fields if name not in _KNOWN and fields[name])),
    )


def _fields(start: bytes) -> tuple[dict[str, str], int]:
    """Return the header's values by key in small letters, and where it ends."""
    fields: dict[str, str] = {}
    at = 0
    while (stop := start.find(b"\n", at, MOST_HEADER)) >= 0:
        key, sign, value = start[at:stop].decode("utf-8", "replace").partition("=")
        at = stop + 1
        name = key.strip().lower()
        if not sign:
            break
        fields[name] = value.strip()
        if name == "elementdatafile":
            return fields, at
    raise Unusable("damaged", "the MetaImage header does not end (ElementDataFile is missing); fetch or export the file again")


def _stored(fields: dict[str, str]) -> np.dtype:
    code = fields.get("elementtype", "").removesuffix("_ARRAY")
    if code not in _TYPES:
        raise Unusable("values", "the MetaImage holds values of a type that is not read; save them as MET_SHORT or MET_FLOAT")
    large = fields.get("elementbyteordermsb", fields.get("binarydatabyteordermsb", "false")).lower() in {"true", "1"}
    return np.dtype(_TYPES[code]).newbyteorder(">" if large else "<")


def _place(fields: dict[str, str], *, file: str, end: int) -> tuple[str, int]:
    """Return the file that holds the values, and where they begin in it."""
    name = fields["elementdatafile"]
    skipped = int(numbers(fields.get("headersize", "0"), what="HeaderSize", whole=True)[0])
    if name.upper() == "LOCAL":
        return file, end
    if name.upper().startswith("LIST") or "%" in name:
        raise Unusable("format", "the MetaImage names a list of files; save it as one, .mha")
    return beside(file, name), TO_END if skipped < 0 else skipped


def _affine(fields: dict[str, str], count: int) -> np.ndarray:
    """Return the affine; row n of TransformMatrix is the direction of axis n, in LPS."""
    spacing = numbers(fields.get("elementspacing", " ".join(["1"] * count)), what="ElementSpacing", length=count)
    named = next((fields[k] for k in ("transformmatrix", "rotation", "orientation") if k in fields), None)
    plain = " ".join(str(x) for x in np.eye(count).ravel())
    matrix = np.array(numbers(named or plain, what="TransformMatrix", length=count * count)).reshape(count, count)
    origin = next((fields[k] for k in ("offset", "position", "origin") if k in fields), " ".join(["0"] * count))
    steps, start = np.eye(3), np.zeros(3)
    used = min(count, 3)
    steps[:used, :used] = (matrix * np.array(spacing)[:, None])[:used, :used].T
    start[:used] = numbers(origin, what="Offset", length=count)[:used]
    if "elementspacing" not in fields:
        return np.eye(4)
    return from_lps(affine_of(steps, start))
