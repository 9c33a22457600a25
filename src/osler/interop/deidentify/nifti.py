"""NIfTI-1 and -2 without words: texts of the header and its extensions are cleared, the geometry and the values stay."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from osler.core.provenance import MARK
from osler.interop.deidentify.outcome import EMPTIED, REMOVED, Account, Uncleanable
from osler.interop.deidentify.risks import VOLUME

# where texts lie in the header (nifti1.h, nifti2.h): name, first byte, length
TEXTS_1 = (("data_type", 4, 10), ("db_name", 14, 18), ("descrip", 148, 80), ("aux_file", 228, 24), ("intent_name", 328, 16))
TEXTS_2 = (("descrip", 240, 80), ("aux_file", 320, 24), ("intent_name", 508, 16), ("unused_str", 525, 15))
OLD_FIELDS = (("extents and session_error", 32, 7),)  # of Analyze: not used since
MADE = MARK.encode()  # a description that begins with it says that no scanner took the image: that word stays
PIECE = 1 << 20
MOST_VALUES = 1 << 36  # bytes of values: 64 GiB


def is_nifti(start: bytes) -> bool:
    """Return whether a file begins as NIfTI in one file or in two, or as its forerunner Analyze."""
    return start[4:8] in {b"n+2\0", b"ni2\0"} or (
        len(start) >= 348 and (start[344:348] in {b"n+1\0", b"ni1\0"} or _analyze(start))
    )


def clean_nifti(source: Path, target: Path) -> Account:
    """Write the NIfTI `source`, packed or not, to `target` without texts and extensions, in pieces of bounded size.

    Raises Uncleanable for header and values in two files, for Analyze, and where the values end early.
    """
    account = Account(warnings={VOLUME})
    with source.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    try:
        with _opened(source, packed=packed) as stream, target.open("wb") as out:
            if packed:
                with gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=6, mtime=0) as filed:
                    _written(stream, cast("IO[bytes]", filed), account)
            else:
                _written(stream, out, account)
    except (EOFError, zlib.error, gzip.BadGzipFile, struct.error):
        raise Uncleanable("truncated") from None
    return account


def _opened(source: Path, *, packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(source, "rb")) if packed else source.open("rb")


def _written(stream: IO[bytes], out: IO[bytes], account: Account) -> None:
    texts: tuple[tuple[str, int, int], ...]
    start = _exactly(stream, 348)
    if start[4:7] == b"n+2":
        header, texts, offset = bytearray(start + _exactly(stream, 192)), TEXTS_2, ("q", 168)
    elif start[344:347] == b"n+1":
        header, texts, offset = bytearray(start), (*TEXTS_1, *OLD_FIELDS), ("f", 108)
    else:
        raise Uncleanable("two_files")
    for name, first, length in texts:
        held = header[first : first + length]
        stays = MADE if name == "descrip" and held.startswith((MADE + b":", MADE + b"\0")) else b""
        if held.strip(b"\0 ") != stays:
            account.note(f"NIfTI {name}", EMPTIED)
        header[first : first + length] = stays.ljust(length, b"\0")
    order = "<" if struct.unpack_from("<I", header)[0] == len(header) else ">"
    place = float(struct.unpack_from(order + offset[0], header, offset[1])[0])
    values = _values(header, order)
    if not math.isfinite(place) or not len(header) <= place < 1 << 31:
        raise Uncleanable("damaged")
    extended = sum(len(piece) for piece in _pieces(stream, int(place) - len(header)))
    if extended > 4:
        account.note("NIfTI extensions", REMOVED)
    struct.pack_into(order + offset[0], header, offset[1], len(header) + 4)
    out.write(header + bytes(4))
    for piece in _pieces(stream, values):
        out.write(piece)
    if stream.read(1):
        account.note("bytes after the values", REMOVED)


def _values(header: bytearray, order: str) -> int:
    """Return the number of bytes of values that the header claims."""
    large = len(header) == 540
    dims = struct.unpack_from(order + ("8q" if large else "8h"), header, 16 if large else 40)
    bits = struct.unpack_from(order + "h", header, 14 if large else 72)[0]
    if not 1 <= dims[0] <= 7 or any(size < 1 for size in dims[1 : 1 + dims[0]]) or bits < 1:
        raise Uncleanable("damaged")
    length = (math.prod(dims[1 : 1 + dims[0]]) * bits + 7) // 8
    if length > MOST_VALUES:
        raise Uncleanable("large")
    return length


def _pieces(stream: IO[bytes], length: int) -> Iterator[bytes]:
    while length:
        piece = stream.read(min(PIECE, length))
        if not piece:
            raise Uncleanable("truncated")
        length -= len(piece)
        yield piece


def _exactly(stream: IO[bytes], length: int) -> bytes:
    return b"".join(_pieces(stream, length))


def _analyze(start: bytes) -> bool:
    return start[:4] in {b"\x5c\x01\0\0", b"\0\0\x01\x5c"}
