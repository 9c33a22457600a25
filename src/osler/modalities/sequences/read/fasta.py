"""FASTA as a stream: plain, gzip or bgzip, any line length, in bounded memory; and where the letters of each record lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from osler.core.errors import RequestError
from osler.modalities.sequences.read.bgzf import Unpacked, opened

PIECE = 1 << 20  # bytes of a line that are held at once: a chromosome may stand on one
HEADER = 1 << 16  # bytes of a header at most


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a record lies, as a line of a .fai has it: `length` letters, the byte `offset` of the first (unpacked), letters and bytes
    of a full line."""

    name: str
    length: int
    offset: int
    line_letters: int
    line_bytes: int


class Ragged(Exception):
    """Lines of a record differ in length, so that no index can tell where its letters lie."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands on a line, or on a part of a long one: a record's name, or `content` in letters; `at` is where it begins, `size` its
    bytes with the line's end, `ends` whether it has one."""

    kind: Literal["name", "letters"]
    content: bytes
    at: int
    size: int
    ends: bool


def pieces(path: Path) -> Iterator[Piece]:
    """Yield what a FASTA file holds, in its order, letters in pieces of at most `PIECE`; a comment before the first record is left out.

    Raises RequestError where it is no FASTA.
    """
    with opened(path) as stream:
        yield from _pieces(stream, path)


def _pieces(stream: Unpacked, path: Path) -> Iterator[Piece]:
    at, fresh, named = 0, True, False
    while line := stream.readline(PIECE):
        ends = line.endswith(b"\n")
        if fresh and line[:1] == b">":
            yield Piece("name", _name(line, at=at, path=path), at, len(line), ends)
            named = True
        elif named:
            yield Piece("letters", line.rstrip() if ends else line, at, len(line), ends)
        elif line.strip() and line[:1] != b";":
            raise RequestError(f"'{path.name}' is no FASTA: a record begins with '>', and byte {at:,} holds something else")
        at, fresh = at + len(line), ends
    if not named:
        raise RequestError(f"'{path.name}' is no FASTA: there is no record in it, which begins with '>'")


def _name(line: bytes, *, at: int, path: Path) -> bytes:
    if len(line) > HEADER:
        raise RequestError(f"'{path.name}': the header at byte {at:,} has more than {HEADER:,} bytes; this is no FASTA")
    words = line[1:].split(maxsplit=1)
    return words[0] if words and not line[1:2].isspace() else b""


def extents(path: Path) -> list[Extent]:
    """Return where each record of a FASTA file lies; raises Ragged where its lines differ in length, RequestError as `pieces`."""
    found: list[_Growing] = []
    for piece in pieces(path):
        if piece.kind == "name":
            found.append(_Growing(piece.content.decode("utf-8", "replace")))
        else:
            found[-1].add(piece)
    return [one.extent() for one in found]


class _Growing:
    """A record while its lines are measured."""

    def __init__(self, name: str) -> None:
        self.name, self.length, self.offset = name, 0, 0
        self.full = (0, 0)  # letters and bytes of a full line
        self.line = (0, 0)  # of the one that is read
        self.short = False  # a line that was not full, after which none may come

    def add(self, piece: Piece) -> None:
        if self.length == 0 and self.line == (0, 0):
            self.offset = piece.at
        self.line = (self.line[0] + len(piece.content), self.line[1] + piece.size)
        self.length += len(piece.content)
        if piece.ends:
            self.close()

    def close(self) -> None:
        line, self.line = self.line, (0, 0)
        if line[0] == 0:
            self.short = self.length > 0
            return
        if self.short or line[0] > (self.full[0] or line[0]):
            raise Ragged
        self.short = self.full[0] > 0 and line != self.full
        self.full = self.full if self.full[0] else line

    def extent(self) -> Extent:
        if self.line[0]:
            self.close()
        return Extent(self.name, self.length, self.offset if self.length else 0, *self.full)
