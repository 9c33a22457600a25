"""TIFF without words (TIFF 6.0, and BigTIFF): what a kept tag does not point at is overwritten with zeros.

Nothing moves, so every offset stays right; descriptions, EXIF, GPS, private tags and whatever lies in gaps are gone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from osler.interop.deidentify.outcome import REMOVED, Account, Uncleanable
from osler.interop.deidentify.risks import UNSEEN

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# geometry, samples, compression, colours and where the picture lies; 347 are JPEG's tables
KEPT = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 290, 291, 292, 293, 296, 297, 301, 317,
     318, 319, 320, 322, 323, 324, 325, 332, 338, 339, 340, 341, 347, 529, 530, 531, 532}
)  # fmt: skip
PLACES = {273: 279, 324: 325}  # offsets of strips and tiles, and the tags of their lengths
COMPRESSION, OLD_JPEG = 259, 6
MOST_PAGES, MOST_ENTRIES = 1 << 16, 1 << 12


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    kind: int
    count: int
    at: int  # of the twelve or twenty bytes
    values: tuple[int, int]  # where the values lie: start and end


class _Form:
    """Byte order and widths of a file."""

    def __init__(self, data: bytes) -> None:
        self.order = "<" if data[:2] == b"II" else ">"
        self.big = self.number(data, 2, "H") == 43
        self.word, self.entry, self.count = ("Q", 20, "Q") if self.big else ("I", 12, "H")
        self.width = struct.calcsize(self.word)
        self.first = 8 if self.big else 4

    def number(self, data: bytes, at: int, form: str) -> int:
        if at < 0 or at + struct.calcsize(form) > len(data):
            raise Uncleanable("truncated")
        return int(struct.unpack_from(self.order + form, data, at)[0])

    def inside(self, entry: _Entry) -> bool:
        """Return whether an entry holds its values itself."""
        return entry.values[0] == entry.at + 4 + self.width


def clean_tiff(source: Path, target: Path) -> Account:
    """Write the TIFF `source` to `target` without what makes no picture; raises Uncleanable where it is damaged or its JPEG is of the old kind."""
    account = Account(warnings={UNSEEN})
    data = source.read_bytes()
    form = _Form(data)
    out = bytearray(len(data))
    _copy(data, out, 0, form.first + form.width)
    for start, entries, end in _pages(data, form):
        kept = [entry for entry in entries if entry.tag in KEPT]
        account.note("TIFF descriptions, EXIF and private tags", REMOVED, len(entries) - len(kept))
        for entry in kept:
            if not form.inside(entry):
                _copy(data, out, *entry.values)
        for begin, length in _pieces(data, form, kept):
            _copy(data, out, begin, begin + length)
        _directory(data, out, form, start=start, kept=kept, link=end)
    target.write_bytes(out)
    return account


def _pages(data: bytes, form: _Form) -> Iterator[tuple[int, list[_Entry], int]]:
    """Yield start, entries and place of the link to the next of each directory."""
    start, seen = form.number(data, form.first, form.word), set[int]()
    while start:
        if start in seen or len(seen) > MOST_PAGES:
            raise Uncleanable("damaged")
        seen.add(start)
        count = form.number(data, start, form.count)
        first = start + struct.calcsize(form.count)
        if not 0 < count <= MOST_ENTRIES:
            raise Uncleanable("damaged")
        entries = [_entry(data, form, first + form.entry * number) for number in range(count)]
        link = first + form.entry * count
        yield start, entries, link
        start = form.number(data, link, form.word)


def _entry(data: bytes, form: _Form, at: int) -> _Entry:
    tag, kind = form.number(data, at, "H"), form.number(data, at + 2, "H")
    count = form.number(data, at + 4, form.word)
    place = at + 4 + form.width
    length = SIZES.get(kind, 1) * count
    start = place if length <= form.width else form.number(data, place, form.word)
    if tag in KEPT and (start + length > len(data) or kind not in SIZES or kind == 2):
        raise Uncleanable("damaged")
    return _Entry(tag, kind, count, at, (start, start + length))


def _directory(data: bytes, out: bytearray, form: _Form, *, start: int, kept: list[_Entry], link: int) -> None:
    """Write the kept entries one after the other, the link to the next directory behind them."""
    struct.pack_into(form.order + form.count, out, start, len(kept))
    at = start + struct.calcsize(form.count)
    for entry in kept:
        out[at : at + form.entry] = data[entry.at : entry.at + form.entry]
        short = entry.values[1] - entry.values[0]
        if form.inside(entry):  # what lies behind a short value is nobody's
            out[at + 4 + form.width + short : at + form.entry] = bytes(form.width - short)
        at += form.entry
    out[at : at + form.width] = data[link : link + form.width]


def _pieces(data: bytes, form: _Form, kept: list[_Entry]) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each strip and tile."""
    by_tag = {entry.tag: entry for entry in kept}
    if COMPRESSION in by_tag and _numbers(data, form, by_tag[COMPRESSION])[0] == OLD_JPEG:
        raise Uncleanable("old_jpeg")
    for offsets, lengths in PLACES.items():
        if offsets in by_tag:
            if lengths not in by_tag:
                raise Uncleanable("damaged")
            yield from zip(_numbers(data, form, by_tag[offsets]), _numbers(data, form, by_tag[lengths]), strict=False)


def _numbers(data: bytes, form: _Form, entry: _Entry) -> tuple[int, ...]:
    letter = {1: "B", 3: "H", 4: "I", 16: "Q", 13: "I", 18: "Q"}.get(entry.kind)
    if letter is None or entry.count == 0:
        raise Uncleanable("damaged")
    return struct.unpack_from(f"{form.order}{entry.count}{letter}", data, entry.values[0])


def _copy(data: bytes, out: bytearray, start: int, end: int) -> None:
    if end > len(data):
        raise Uncleanable("truncated")
    out[start:end] = data[start:end]
