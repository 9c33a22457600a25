"""NRRD without words: only the fields that place and read the values are written, each checked for its form.

Fields are those of the definition of NRRD, version 5 (teem.sourceforge.net/nrrd/format.html).
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from pathlib import Path

from osler.interop.deidentify.outcome import REMOVED, Account, Uncleanable
from osler.interop.deidentify.risks import VOLUME

MOST_HEADER = 1 << 20
MOST_VALUES = 1 << 31  # bytes that are unpacked in memory: a CT of 512 × 512 × 4,096 voxels
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|[-+]?inf|none|\?\?\?"
_NUMBERS = re.compile(rf"(?:{_NUMBER}|[(),\s])+", re.IGNORECASE)
_WORDS = frozenset(
    [
        "domain",
        "space",
        "time",
        "list",
        "point",
        "vector",
        "covariant-vector",
        "normal",
        "stub",
        "scalar",
        "complex",
        "2-vector",
        "3-color",
        "rgb-color",
        "hsv-color",
        "xyz-color",
        "4-color",
        "rgba-color",
        "3-vector",
        "3-gradient",
        "3-normal",
        "4-vector",
        "quaternion",
        "2d-symmetric-matrix",
        "2d-masked-symmetric-matrix",
        "2d-matrix",
        "2d-masked-matrix",
        "3d-symmetric-matrix",
        "3d-masked-symmetric-matrix",
        "3d-matrix",
        "3d-masked-matrix",
        "none",
        "???",
        "cell",
        "node",
        "little",
        "big",
        "raw",
        "gzip",
        "gz",
        "right-anterior-superior",
        "ras",
        "left-anterior-superior",
        "las",
        "left-posterior-superior",
        "lps",
        "right-anterior-superior-time",
        "rast",
        "left-anterior-superior-time",
        "last",
        "left-posterior-superior-time",
        "lpst",
        "scanner-xyz",
        "scanner-xyz-time",
        "3d-right-handed",
        "3d-left-handed",
        "3d-right-handed-time",
        "3d-left-handed-time",
    ]
)
_SIZES = {
    **dict.fromkeys(("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"), 1),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), 2),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), 2),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t", "float"), 4),
    **dict.fromkeys(
        ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"), 8
    ),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t", "double"), 8),
}
_NUMERIC = frozenset(
    {"dimension", "space dimension", "sizes", "spacings", "thicknesses", "axis mins", "axis maxs", "axismins", "axismaxs",
     "space directions", "space origin", "measurement frame", "min", "max", "old min", "old max", "oldmin", "oldmax"}
)  # fmt: skip
_WORDED = frozenset({"kinds", "centers", "centerings", "endian", "encoding", "space"})


def clean_nrrd(source: Path, target: Path) -> Account:
    """Write the NRRD `source` to `target` without comments, key/value pairs, content, labels and units.

    Raises Uncleanable for values in a file of their own, for encodings other than raw and gzip, and where values are missing.
    """
    account = Account(warnings={VOLUME})
    data = source.read_bytes()
    found = re.search(rb"\r?\n\r?\n", data[:MOST_HEADER])
    if not found:
        raise Uncleanable("two_files")
    first, *lines = data[: found.start()].decode("latin-1").splitlines()
    fields = _fields(lines, account)
    if not re.fullmatch(r"NRRD000\d", first) or "data file" in fields or "datafile" in fields:
        raise Uncleanable("damaged" if not re.fullmatch(r"NRRD000\d", first) else "two_files")
    values = _values(fields, data[found.end() :])
    kept = {name: value for name, value in fields.items() if _harmless(name, value)}
    account.note("NRRD fields of other forms", REMOVED, len(fields) - len(kept))
    head = "\n".join([first, *(f"{name}: {value}" for name, value in kept.items())])
    with target.open("wb") as out:
        out.write(head.encode("ascii") + b"\n\n")
        out.write(gzip.compress(values, 6, mtime=0) if fields["encoding"].lower() in {"gzip", "gz"} else values)
    return account


def _fields(lines: list[str], account: Account) -> dict[str, str]:
    fields = {}
    for line in lines:
        name, colon, value = line.partition(": ")
        if line.startswith("#") or not colon or ":=" in line.partition(" ")[0]:
            account.note("NRRD comments and key/value pairs", REMOVED)
        else:
            fields[name.strip().lower()] = value.strip()
    return fields


def _harmless(name: str, value: str) -> bool:
    if name == "type":
        return value.lower() in _SIZES
    if name in _NUMERIC:
        return _NUMBERS.fullmatch(value) is not None
    return name in _WORDED and all(word.strip('"').lower() in _WORDS for word in value.split())


def _values(fields: dict[str, str], data: bytes) -> bytes:
    """Return exactly the bytes of values that the header claims."""
    try:
        length = math.prod(int(size) for size in fields["sizes"].split()) * _SIZES[fields["type"].lower()]
        encoding = fields["encoding"].lower()
    except (KeyError, ValueError):
        raise Uncleanable("damaged") from None
    if encoding not in {"raw", "gzip", "gz"} or any(
        name in fields for name in ("line skip", "byte skip", "lineskip", "byteskip")
    ):
        raise Uncleanable("encoding")
    if encoding != "raw":
        data = inflated(data, length, gzipped=True)
    if length < 1 or len(data) < length:
        raise Uncleanable("truncated")
    return data[:length]


def inflated(data: bytes, length: int, *, gzipped: bool) -> bytes:
    """Return the first `length` bytes that `data` unpacks to, and no more; raises Uncleanable where it is damaged or too much."""
    if length > MOST_VALUES:
        raise Uncleanable("large")
    machine = zlib.decompressobj(31 if gzipped else 15)
    try:
        return machine.decompress(data, max(length, 1))
    except zlib.error:
        raise Uncleanable("damaged") from None
