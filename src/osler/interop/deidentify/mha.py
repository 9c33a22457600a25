"""MetaImage (MHA) without words: only the fields that place and read the values are written, each checked for its form."""

from __future__ import annotations

import math
import re
import zlib
from pathlib import Path

from osler.interop.deidentify.nrrd import inflated
from osler.interop.deidentify.outcome import REMOVED, Account, Uncleanable
from osler.interop.deidentify.risks import VOLUME

MOST_HEADER = 1 << 16
_NUMBERS = re.compile(r"[-+0-9.eE\s]+")
_NUMERIC = frozenset(
    {"NDims", "TransformMatrix", "Rotation", "Orientation", "Offset", "Position", "Origin", "CenterOfRotation", "ElementSpacing",
     "ElementSize", "DimSize", "ElementNumberOfChannels", "ElementMin", "ElementMax"}
)  # fmt: skip
_TRUTHS = frozenset({"BinaryData", "BinaryDataByteOrderMSB", "ElementByteOrderMSB", "CompressedData"})
_SIZES = {
    "MET_CHAR": 1, "MET_UCHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_UINT": 4, "MET_LONG_LONG": 8,
    "MET_ULONG_LONG": 8, "MET_FLOAT": 4, "MET_DOUBLE": 8,
}  # fmt: skip


def is_mha(start: bytes) -> bool:
    """Return whether a file begins as MetaImage."""
    return re.match(rb"(ObjectType|NDims)\s*=", start) is not None


def clean_mha(source: Path, target: Path) -> Account:
    """Write the MetaImage `source` to `target` without comments, names and dates.

    Raises Uncleanable for values in a file of their own or as text, and where values are missing.
    """
    account = Account(warnings={VOLUME})
    data = source.read_bytes()
    found = re.search(rb"(?m)^ElementDataFile\s*=[ \t]*(.*?)\r?\n", data[:MOST_HEADER])
    if not found or found[1].strip() != b"LOCAL":
        raise Uncleanable("two_files")
    lines = data[: found.start()].decode("latin-1").splitlines()
    fields = _fields(lines)
    values = _values(fields, data[found.end() :])
    kept = {name: value for name, value in fields.items() if _harmless(name, value)}
    account.note(
        "MetaImage comments, names and dates", REMOVED, len([n for n in fields if n not in kept and n != "CompressedDataSize"])
    )
    if fields.get("CompressedData") == "True":
        values = zlib.compress(values, 6)
        kept["CompressedDataSize"] = str(len(values))
    head = "".join(f"{name} = {value}\n" for name, value in kept.items())
    target.write_bytes(f"{head}ElementDataFile = LOCAL\n".encode("ascii") + values)
    return account


def _fields(lines: list[str]) -> dict[str, str]:
    pairs = [line.split("=", 1) for line in lines if line.strip()]
    if any(len(pair) != 2 for pair in pairs):
        raise Uncleanable("damaged")
    return {name.strip(): value.strip() for name, value in pairs}


def _harmless(name: str, value: str) -> bool:
    if name in _NUMERIC:
        return _NUMBERS.fullmatch(value) is not None
    if name in _TRUTHS:
        return value in {"True", "False"}
    return (
        (name == "ElementType" and value in _SIZES)
        or (name == "ObjectType" and value == "Image")
        or (name == "AnatomicalOrientation" and re.fullmatch(r"[RLAPIS?]{1,4}", value) is not None)
    )


def _values(fields: dict[str, str], data: bytes) -> bytes:
    """Return exactly the bytes of values that the header claims."""
    try:
        length = math.prod(int(size) for size in fields["DimSize"].split()) * _SIZES[fields["ElementType"]]
        length *= int(fields.get("ElementNumberOfChannels", "1"))
    except (KeyError, ValueError):
        raise Uncleanable("damaged") from None
    if fields.get("BinaryData", "True") != "True":
        raise Uncleanable("encoding")
    if fields.get("CompressedData") == "True":
        data = inflated(data, length, gzipped=False)
    if length < 1 or len(data) < length:
        raise Uncleanable("truncated")
    return data[:length]
