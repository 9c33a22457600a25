"""JPEG without words: only the segments that make the picture (ITU-T T.81, annex B) are copied, and which side is up.

The compressed picture itself is not decoded, so not a pixel changes.
"""

from __future__ import annotations

import struct
from pathlib import Path

from osler.interop.deidentify.outcome import REMOVED, Account, Uncleanable
from osler.interop.deidentify.risks import UNSEEN

SOI, EOI, SOS, APP0, APP1, APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xEE
FRAMES = frozenset({*range(0xC0, 0xD0)})  # start of frame, and tables of Huffman and arithmetic codes
TABLES = FRAMES | {0xDB, 0xDC, 0xDD, 0xDE, 0xDF, SOS}
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
ORIENTATION = 0x0112


def clean_jpeg(source: Path, target: Path) -> Account:
    """Write the JPEG `source` to `target` without EXIF (but its orientation), comments, profiles, thumbnails or anything after its end.

    Raises Uncleanable where it is damaged.
    """
    account = Account(warnings={UNSEEN})
    data = source.read_bytes()
    out, at = bytearray(b"\xff\xd8"), 2
    while True:
        marker, start, end = _segment(data, at)
        if marker == EOI:
            out += b"\xff\xd9"
            break
        kept = _kept(marker, data[start:end])
        if kept is None:
            account.note("JPEG EXIF, comments and profiles", REMOVED)
        else:
            out += kept
        at = end
        if marker == SOS:
            at = _scan_end(data, end)
            out += data[end:at]
    if end < len(data):
        account.note("bytes after the picture", REMOVED)
    target.write_bytes(out)
    return account


def _segment(data: bytes, at: int) -> tuple[int, int, int]:
    """Return marker, start and end of the segment at `at`; fill bytes before it are passed over."""
    if at >= len(data) or data[at] != 0xFF:
        raise Uncleanable("truncated" if at >= len(data) else "damaged")
    while at + 1 < len(data) and data[at + 1] == 0xFF:
        at += 1
    if at + 1 >= len(data):
        raise Uncleanable("truncated")
    marker = data[at + 1]
    if marker == EOI or marker in ALONE:
        return marker, at, at + 2
    if at + 4 > len(data):
        raise Uncleanable("truncated")
    end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
    if end > len(data) or end < at + 4:
        raise Uncleanable("truncated" if end > len(data) else "damaged")
    return marker, at, end


def _kept(marker: int, segment: bytes) -> bytes | None:
    """Return what stays of a segment, None where nothing does."""
    if marker in TABLES or marker in ALONE:
        return segment
    body = segment[4:]
    if marker == APP0 and body.startswith(b"JFIF\0") and len(body) >= 14:
        return b"\xff\xe0\0\x10" + body[:12] + b"\0\0"  # without its thumbnail
    if marker == APP14 and body.startswith(b"Adobe") and len(body) >= 12:  # says how colours are coded
        return b"\xff\xee\0\x0eAdobe" + body[5:12]
    if marker == APP1 and body.startswith(b"Exif\0\0"):
        turned = orientation(body[6:])
        if turned != 1:
            small = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, ORIENTATION, 3, 1, turned, 0, 0)
            return struct.pack(">HH", 0xFFE1, 2 + 6 + len(small)) + b"Exif\0\0" + small
    return None


def orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8, that EXIF tells; 1 where it tells none."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 10:
        return 1
    (at,) = struct.unpack_from(order + "I", exif, 4)
    if at + 2 > len(exif):
        return 1
    for number in range(struct.unpack_from(order + "H", exif, at)[0]):
        entry = at + 2 + 12 * number
        if entry + 12 > len(exif):
            break
        tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, entry)
        if tag == ORIENTATION and kind == 3 and 1 <= value <= 8:
            return int(value)
    return 1


def _scan_end(data: bytes, at: int) -> int:
    """Return where the compressed data that begin at `at` end: at the first marker that is no restart and no stuffed byte."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise Uncleanable("truncated")
        if data[at + 1] != 0 and data[at + 1] not in ALONE and data[at + 1] != 0xFF:
            return at
        at += 1 if data[at + 1] == 0xFF else 2
