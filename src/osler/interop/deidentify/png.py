"""PNG without words: only the chunks that make the picture (PNG specification, third edition, 11) are copied."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from osler.core.provenance import KEYWORD, MARK
from osler.interop.deidentify.outcome import REMOVED, Account, Uncleanable
from osler.interop.deidentify.risks import UNSEEN

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# colours, size of a pixel, frames; not iCCP, eXIf, tEXt, zTXt, iTXt, tIME, sPLT, hIST, which hold names, words or moments
KEPT = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT"}
)  # fmt: skip
MADE = b"tEXt" + f"{KEYWORD}\0{MARK.lower()}".encode()  # no scanner took the picture: must stay, and says nothing else


def clean_png(source: Path, target: Path) -> Account:
    """Write the PNG `source` to `target` without text, EXIF, profile or anything after its end; raises Uncleanable where it is damaged.

    The one text that stays is Osler's mark of a synthetic picture, to the letter.
    """
    account = Account(warnings={UNSEEN})
    data = source.read_bytes()
    with target.open("wb") as out:
        out.write(SIGNATURE)
        end = len(SIGNATURE)
        for kind, whole, end in _chunks(data):  # noqa: B007  the last end counts
            if kind in KEPT or whole[4:-4] == MADE:
                out.write(whole)
            else:
                account.note("PNG text, EXIF and profiles", REMOVED)
    if end < len(data):
        account.note("bytes after the picture", REMOVED)
    return account


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield kind, bytes and end of each chunk up to the last; raises Uncleanable where a checksum is wrong or no end comes."""
    at, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise Uncleanable("truncated")
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data):
            raise Uncleanable("truncated")
        if zlib.crc32(data[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise Uncleanable("damaged")
        yield kind, data[at:end], end
        at = end
