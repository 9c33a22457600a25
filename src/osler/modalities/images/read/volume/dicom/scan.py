"""A header of plain DICOM, little endian, read in one pass over its first bytes: forty times as fast as a general reader.

Sections are those of DICOM PS3.5 (2024): 7.1 data elements, 7.5 nested ones, A.1 and A.2 the two ways of writing. What is not plain
is left to pydicom: `scanned` says so by None.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from osler.modalities.images.read.volume.dicom.tags import IDENTIFYING, NUMBERS, PIXELS, SLOWLY, WANTED

EXPLICIT, IMPLICIT = b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2"
PLAIN = frozenset((EXPLICIT.decode(), IMPLICIT.decode()))
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_NESTED = frozenset((b"SQ", b"UN"))
UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DEEPEST = 16
_SPACE = b" \0"
_short = struct.Struct("<HH2sH").unpack_from
_plain = struct.Struct("<HHI").unpack_from
_length = struct.Struct("<I").unpack_from
_number = struct.Struct("<H").unpack_from


class Short(Exception):
    """The header goes on behind the bytes that were given."""


class Odd(Exception):
    """The header is not plain."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """Header values by keyword, as text; names of identifying fields; where the pixels begin in the file and how long they are."""

    texts: dict[str, str]
    identifying: tuple[str, ...]
    offset: int
    length: int


def scanned(data: bytes) -> Scanned | None:
    """Return what the first bytes of a file say, None where it is not plain; raises Short where more of it are needed."""
    if data[128:132] != b"DICM":
        return None
    try:
        at, syntax = _meta(data)
        explicit = syntax == EXPLICIT
        return _walk(data, at, explicit=explicit, syntax=syntax) if explicit or syntax == IMPLICIT else None
    except (Odd, UnicodeDecodeError):
        return None
    except (struct.error, IndexError):
        raise Short from None


def _meta(data: bytes) -> tuple[int, bytes]:
    """Return where the data set begins and its transfer syntax; the file's own header is explicit always (PS3.10, 7.1)."""
    at, syntax = 132, b""
    while True:
        group, element, kind, length = _short(data, at)
        if group != 2:
            return at, syntax
        start = at + 8
        if kind in _LONG:
            length = _length(data, start)[0]
            start += 4
        at = start + length
        if at > len(data):
            raise Short
        if element == 0x10:
            syntax = data[start:at].rstrip(_SPACE)


def _walk(data: bytes, at: int, *, explicit: bool, syntax: bytes) -> Scanned:
    texts = {"TransferSyntaxUID": syntax.decode("ascii")}
    names: list[str] = []
    last = 0
    while True:
        tag, kind, start, length = _element(data, at, explicit)
        if tag <= last:  # out of order: not as the standard has it, and never an endless walk
            raise Odd
        last = tag
        if tag == PIXELS:
            if length == UNDEFINED:
                raise Odd
            return Scanned(texts, tuple(names), start, length)
        if tag in SLOWLY or tag > PIXELS:
            raise Odd
        if length == UNDEFINED:
            at = _behind(data, start, explicit=explicit and kind != b"UN", depth=0)
        else:
            at = start + length
            if at > len(data):
                raise Short
        if tag in WANTED and length:
            texts[WANTED[tag]] = _text(tag, data[start:at])
        if tag in IDENTIFYING and data[start:at].strip(_SPACE):
            names.append(IDENTIFYING[tag])


def _element(data: bytes, at: int, explicit: bool) -> tuple[int, bytes, int, int]:
    """Return tag, value representation, and where the value begins and how long it is, of the element at `at`."""
    if not explicit:
        group, element, length = _plain(data, at)
        return group << 16 | element, b"", at + 8, length
    group, element, kind, length = _short(data, at)
    if kind in _LONG:
        return group << 16 | element, kind, at + 12, _length(data, at + 8)[0]
    if group != 0xFFFE and not (kind.isalpha() and kind.isupper()):
        raise Odd
    return group << 16 | element, kind, at + 8, length


def _text(tag: int, value: bytes) -> str:
    if tag in NUMBERS:
        if len(value) != 2:
            raise Odd
        return str(_number(value)[0])
    return value.decode("ascii").strip(" \0")


def _behind(data: bytes, at: int, *, explicit: bool, depth: int) -> int:
    """Return where a sequence of undefined length ends, whose items begin at `at`."""
    if depth > _DEEPEST:
        raise Odd
    while True:
        group, element, length = _plain(data, at)
        tag, at = group << 16 | element, at + 8
        if tag == _SEQUENCE_END:
            return at
        if tag != _ITEM:
            raise Odd
        at = _behind_item(data, at, explicit=explicit, depth=depth) if length == UNDEFINED else at + length


def _behind_item(data: bytes, at: int, *, explicit: bool, depth: int) -> int:
    while True:
        group, element, _ = _plain(data, at)
        if group << 16 | element == _ITEM_END:
            return at + 8
        _, kind, start, length = _element(data, at, explicit)
        if length != UNDEFINED:
            at = start + length
        elif explicit and kind not in _NESTED:
            raise Odd
        else:
            at = _behind(data, start, explicit=explicit and kind != b"UN", depth=depth + 1)
