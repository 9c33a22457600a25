"""Files of variants as lines of VCF (4.1 to 4.5), whether they are VCF or BCF, plain or packed; streamed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from osler.core.errors import RequestError
from osler.modalities.sequences.read.bcf import MAGIC, BcfError, bcf_header, bcf_lines
from osler.modalities.sequences.read.bgzf import MOST, Unpacked, opened

LINE = 1 << 28  # bytes of a line at most: 20 times a record of 500,000 people
COLUMNS = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
BYTE_ORDER = b"\xef\xbb\xbf"  # that some editors write first
_CONTIG = re.compile(rb"##contig=<(?:.*,)?ID=([^,>]+)(?:,.*)?>")
_LENGTH = re.compile(rb"[<,]length=(\d{1,12})[,>]")


@dataclass(frozen=True, slots=True)
class Variants:
    """An open file: the lines of its `header`, without line ends, the last that of the columns, and its records, `lines` split at tabs
    into the eight fixed columns and the rest (empty where there is none)."""

    header: tuple[bytes, ...]
    lines: Iterator[list[bytes]]

    @property
    def lengths(self) -> dict[str, int | None]:
        """The contigs of the header, with their lengths where it tells them."""
        found: dict[str, int | None] = {}
        for line in self.header:
            named, long = _CONTIG.match(line), _LENGTH.search(line)
            if named:
                found[named[1].decode("utf-8", "replace")] = int(long[1]) if long else None
        return found


@contextmanager
def opened_variants(path: Path) -> Iterator[Variants]:
    """Give the variants in `path`, by its content and not its ending; raises RequestError where it is neither VCF nor BCF, or is damaged,
    also while its lines are read."""
    with opened(path) as stream:
        start = stream.read(len(MAGIC))
        if start == MAGIC:
            try:
                header = bcf_header(stream)
                yield Variants(header.lines, _split(bcf_lines(stream, header), path, columns=_columns(header.lines, path)))
            except BcfError as error:
                raise RequestError(f"'{path.name}' is damaged: {error}; make it again with bcftools view") from None
            return
        lines = _text(stream, start, path)
        head = _header(lines, path)
        yield Variants(head, _split(lines, path, columns=_columns(head, path), first=len(head)))


def _text(stream: Unpacked, start: bytes, path: Path) -> Iterator[bytes]:
    while line := start + stream.readline(LINE):
        if len(line) >= LINE:
            raise RequestError(f"'{path.name}' has a line of more than {LINE:,} bytes; it is no VCF")
        yield line.rstrip(b"\r\n")
        start = b""


def _header(lines: Iterator[bytes], path: Path) -> tuple[bytes, ...]:
    head: list[bytes] = []
    for line in lines:
        bare = line if head else line.removeprefix(BYTE_ORDER)
        if not head and not bare.startswith(b"##fileformat=VCFv4"):
            raise _fault(lines, f"'{path.name}' is no VCF: it begins with '##fileformat=VCFv4…', and another line was found")
        head.append(bare)
        if not bare.startswith(b"##"):
            break
    if not head or not head[-1].startswith(COLUMNS):
        raise _fault(
            lines,
            f"'{path.name}' is no VCF: the line of its columns (#CHROM, POS, ID, …, INFO, with tabs between) is wanted after the header",
        )
    return tuple(head)


def _fault(lines: Iterator[bytes], sentence: str) -> RequestError:
    """Return the fault of a line, read on by the most that a packed block holds: a block that is damaged is told as that by its
    checksum, and not as the odd lines that come out of it."""
    held = 0
    for line in lines:
        held += len(line) + 1
        if held > MOST:
            break
    return RequestError(sentence)


def _columns(header: tuple[bytes, ...], path: Path) -> int:
    columns = header[-1].count(b"\t") + 1 if header else 0
    if columns == 9:
        raise RequestError(f"'{path.name}' has a column FORMAT and no sample; its header is damaged")
    return columns


def _split(lines: Iterator[bytes], path: Path, *, columns: int, first: int = 0) -> Iterator[list[bytes]]:
    for number, line in enumerate(lines, first + 1):
        if not line:
            continue
        came = line.count(b"\t") + 1
        if came != columns:
            raise _fault(
                lines, f"'{path.name}', line {number:,}: {columns} columns with tabs between are wanted, and {came} came"
            )
        fields = line.split(b"\t", 8)
        if not (fields[1].isdigit() and len(fields[1]) < 13 and fields[0] and fields[3] and fields[4]):
            raise _fault(lines, f"'{path.name}', line {number:,}: CHROM, POS (a number), REF and ALT are wanted")
        yield fields if len(fields) == 9 else [*fields, b""]
