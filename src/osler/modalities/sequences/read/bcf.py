"""BCF (2.1 and 2.2; VCF specification, §6) as lines of VCF.

Our own reader, in Python alone, because it must survive hostile bytes; it gives the text that `bcftools view` gives.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from osler.core.errors import OslerError
from osler.modalities.sequences.read.bgzf import Unpacked

MAGIC = b"BCF\x02"
RECORD = 1 << 28  # bytes of a part of a record at most
HEADER = 1 << 28
_LINE = re.compile(rb"##(contig|FILTER|INFO|FORMAT)=<(?:.*?,)?ID=([^,>]+)")
_PLACE = re.compile(rb",IDX=(\d{1,8})")
_FLAG = re.compile(rb"##INFO=<.*Type=Flag[,>]")
_INTEGERS: dict[int, np.dtype] = {1: np.dtype("<i1"), 2: np.dtype("<i2"), 3: np.dtype("<i4")}
_FLOAT, _TEXT = 5, 7
_NO_FLOAT, _FLOAT_ENDS = 0x7F800001, 0x7F800002  # bits of a missing float, and of the end of a vector


class BcfError(OslerError):
    """The bytes are no BCF; the sentence says where."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header's `lines` without the places of their names, the names by place, which INFO keys are flags, the number of samples."""

    lines: tuple[bytes, ...]
    contigs: dict[int, bytes]
    words: dict[int, bytes]
    flags: frozenset[bytes]
    samples: int


def bcf_header(stream: Unpacked) -> Header:
    """Return the header of `stream`, of which the first bytes (`MAGIC`) are read; raises BcfError."""
    minor, length = struct.unpack("<BI", _exactly(stream, 5, "the header"))
    if minor not in {1, 2} or length > HEADER:
        raise BcfError("it is no BCF of version 2.1 or 2.2")
    lines = [line for line in _exactly(stream, length, "the header").rstrip(b"\0").split(b"\n") if line]
    if not lines or not lines[-1].startswith(b"#CHROM\t"):
        raise BcfError("its header does not end with the line of columns")
    contigs: dict[int, bytes] = {}
    words: dict[int, bytes] = {0: b"PASS"}
    for line in lines:
        if found := _LINE.match(line):
            _enter(contigs if found[1] == b"contig" else words, found[2], _PLACE.search(line))
    flags = frozenset(found[2] for line in lines if _FLAG.match(line) and (found := _LINE.match(line)))
    plain = tuple(_PLACE.sub(b"", line) if line.startswith(b"##") else line.rstrip(b"\r") for line in lines)
    return Header(plain, contigs, words, flags, max(0, lines[-1].count(b"\t") - 8))


def _enter(names: dict[int, bytes], name: bytes, place: re.Match[bytes] | None) -> None:
    if name not in names.values() or place:
        names[int(place[1]) if place else max(names, default=-1) + 1] = name


def _exactly(stream: Unpacked, length: int, what: str) -> bytes:
    content = stream.read(length)
    if len(content) != length:
        raise BcfError(f"it ends within {what}")
    return content


def bcf_lines(stream: Unpacked, header: Header) -> Iterator[bytes]:
    """Yield each record as a line of VCF; raises BcfError with the record's number."""
    number = 0
    while sizes := stream.read(8):
        number += 1
        try:
            shared, single = struct.unpack("<II", sizes)
            if max(shared, single) > RECORD:
                raise BcfError(f"record {number:,} is larger than any can be")
            yield _line(_exactly(stream, shared, f"record {number:,}"), _exactly(stream, single, f"record {number:,}"), header)
        except (struct.error, ValueError, KeyError, IndexError, OverflowError):
            raise BcfError(f"record {number:,} does not hold what its sizes say") from None


class _Reader:
    """Typed values of a record, one after another."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def kind(self) -> tuple[int, int]:
        """Return how many values follow, and of which type."""
        byte = self.content[self.at]
        self.at += 1
        return (self.integer() if byte >> 4 == 15 else byte >> 4), byte & 15

    def integer(self) -> int:
        many, kind = self.kind()
        if many != 1:
            raise ValueError
        return int(self.integers(1, kind)[0])

    def integers(self, many: int, kind: int) -> np.ndarray:
        return self.array(many, _INTEGERS[kind])

    def array(self, many: int, dtype: np.dtype) -> np.ndarray:
        if many < 0:
            raise ValueError
        found = np.frombuffer(self.content, dtype, many, self.at)
        self.at += many * dtype.itemsize
        return found

    def text(self, many: int) -> bytes:
        if not 0 <= many <= len(self.content) - self.at:
            raise ValueError
        self.at += many
        return self.content[self.at - many : self.at]

    def string(self) -> bytes:
        many, kind = self.kind()
        if many and kind != _TEXT:
            raise ValueError
        return self.text(many).rstrip(b"\0")


def _line(shared: bytes, single: bytes, header: Header) -> bytes:
    contig, place, _, quality, alleles_info, formats_samples = struct.unpack_from("<iiiIII", shared)
    reader = _Reader(shared)
    reader.at = 24
    identity = reader.string() or b"."
    alleles = [reader.string() for _ in range(alleles_info >> 16)]
    many, kind = reader.kind()
    filters = b";".join(header.words[int(word)] for word in (reader.integers(many, kind) if many else ())) or b"."
    info = b";".join(_entry(reader, header) for _ in range(alleles_info & 0xFFFF)) or b"."
    bits = np.array([quality], np.uint32).view(np.float32)
    columns = [
        header.contigs[contig], b"%d" % (place + 1), identity, alleles[0], b",".join(alleles[1:]) or b".",
        _floats(bits), filters, info,
    ]  # fmt: skip
    if header.samples:
        if formats_samples & 0xFFFFFF != header.samples:
            raise ValueError
        columns += _samples(_Reader(single), header, formats_samples >> 24)
    line = b"\t".join(columns)
    if b"\n" in line or line.count(b"\t") != len(columns) - 1:
        raise ValueError
    return line


def _entry(reader: _Reader, header: Header) -> bytes:
    key = header.words[reader.integer()]
    many, kind = reader.kind()
    value = _value(reader, many, kind)
    return key if key in header.flags or not many else key + b"=" + value


def _value(reader: _Reader, many: int, kind: int) -> bytes:
    if kind == _TEXT:
        return reader.text(many).rstrip(b"\0") or b"."
    if kind == _FLOAT:
        return _floats(reader.array(many, np.dtype("<f4")))
    return _integers(reader.integers(many, kind)) if many else b"."


def _integers(values: np.ndarray) -> bytes:
    lowest = np.iinfo(values.dtype).min
    parts = []
    for value in values.tolist():
        if value == lowest + 1:  # the vector ends before its space does
            break
        parts.append(b"." if value == lowest else b"%d" % value)
    return b",".join(parts) or b"."


def _floats(values: np.ndarray) -> bytes:
    parts = []
    for value, bits in zip(values.tolist(), values.view(np.uint32).tolist(), strict=True):
        if bits == _FLOAT_ENDS:
            break
        parts.append(b"." if bits == _NO_FLOAT else b"%g" % value)
    return b",".join(parts) or b"."


def _samples(reader: _Reader, header: Header, formats: int) -> list[bytes]:
    """Return the columns FORMAT and one per sample."""
    keys: list[bytes] = []
    cells: list[Sequence[bytes]] = []
    for _ in range(formats):
        key = header.words[reader.integer()]
        many, kind = reader.kind()
        keys.append(key)
        cells.append(_cells(reader, header.samples, many, kind, genotype=key == b"GT"))
    if not keys:
        return [b"."] * (header.samples + 1)
    return [b":".join(keys), *(b":".join(row) for row in zip(*cells, strict=True))]


def _cells(reader: _Reader, samples: int, many: int, kind: int, *, genotype: bool) -> list[bytes]:
    if not many:
        return [b"."] * samples
    if kind == _TEXT:
        return [reader.text(many).rstrip(b"\0") or b"." for _ in range(samples)]
    if kind == _FLOAT:
        return [_floats(row) for row in reader.array(samples * many, np.dtype("<f4")).reshape(samples, many)]
    rows = reader.integers(samples * many, kind).reshape(samples, many)
    return [_genotype(row) if genotype else _integers(row) for row in rows]


def _genotype(row: np.ndarray) -> bytes:
    """Return `0/1` or `0|1` from numbers of alleles plus one, shifted by the bit of phase."""
    lowest = np.iinfo(row.dtype).min
    text = b""
    for turn, value in enumerate(row.tolist()):
        if value == lowest + 1:
            break
        sign = (b"|" if value & 1 else b"/") if turn else b""
        text += sign + (b"." if value >> 1 == 0 or value == lowest else b"%d" % ((value >> 1) - 1))
    return text or b"."
