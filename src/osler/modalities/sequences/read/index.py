"""Indexes of a FASTA file (.fai, and .gzi of a bgzipped one): read where they are good, made in the cache where they are not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from osler.core.disk import private_folder, whole
from osler.core.errors import RequestError
from osler.modalities.sequences.read.bgzf import block_starts, opener, packing
from osler.modalities.sequences.read.fasta import Extent, Ragged, extents, pieces

LETTERS_MOST = 1 << 40  # of a contig: no index that says more is true


@dataclass(frozen=True, slots=True)
class Indexed:
    """A FASTA file that can be read at any place: `file` is the user's, or a copy in the cache; `starts` (blocks + 1, 2) those of BGZF, None
    where it is plain. `notes` say what was made and why."""

    file: Path
    extents: tuple[Extent, ...]
    starts: np.ndarray | None
    notes: tuple[str, ...] = ()


def indexed(path: Path, *, cache: Path) -> Indexed:
    """Return `path` with its index: the .fai beside it if that is no older than the file and fits it, else one that is made in `cache`.
    A file packed by plain gzip, or with lines of unequal lengths, is copied into `cache` once.

    Raises RequestError where it is no FASTA, damaged, or not there.
    """
    kind = packing(path)
    folder = private_folder(cache / "references" / _key(path))
    copy = folder / "copy.fa"
    if kind == "gzip" or copy.exists():
        return _copied(path, copy, why="plain gzip cannot be read in its middle; packed by bgzip it could")
    own, why = _beside(path)
    try:
        found = own if own is not None else _made(path, folder / "index.fai")
    except Ragged:
        return _copied(path, copy, why="its lines differ in length")
    starts = block_starts(path) if kind == "bgzf" else None
    if own is not None and not _fits(path, own, starts):
        return _remade(path, folder, starts)
    notes = () if own is not None else (f"{why}; one in the cache is used",)
    return Indexed(path, tuple(found), starts, notes)


def _remade(path: Path, folder: Path, starts: np.ndarray | None) -> Indexed:
    try:
        found = _made(path, folder / "index.fai")
    except Ragged:
        return _copied(path, folder / "copy.fa", why="its lines differ in length")
    return Indexed(
        path, tuple(found), starts, (f"the index '{path.name}.fai' is not that of this file; one in the cache is used",)
    )


def _key(path: Path) -> str:
    about = path.stat()
    return hashlib.sha256(f"{path.resolve()}|{about.st_size}|{about.st_mtime_ns}".encode()).hexdigest()[:32]


def _beside(path: Path) -> tuple[list[Extent] | None, str]:
    """Return the index beside the file, or None and why it is not used."""
    place = path.with_name(path.name + ".fai")
    if not place.exists():
        return None, f"'{path.name}' has no index (.fai)"
    if place.stat().st_mtime_ns < path.stat().st_mtime_ns:
        return None, f"the index '{place.name}' is older than the file"
    found = parsed(place.read_bytes())
    return found, f"the index '{place.name}' is damaged"


def parsed(content: bytes) -> list[Extent] | None:
    """Return what a .fai says, None where it is damaged."""
    found = []
    for line in content.decode("utf-8", "replace").splitlines():
        name, *rest = line.split("\t")
        if len(rest) < 4 or not all(number.isascii() and number.isdigit() and len(number) < 14 for number in rest[:4]):
            return None
        length, offset, letters, size = (int(number) for number in rest[:4])
        if length > LETTERS_MOST or (length and not 0 < letters <= size):
            return None
        found.append(Extent(name, length, offset, letters, size))
    return found or None


def written(found: list[Extent]) -> bytes:
    """Return `found` as a .fai."""
    lines = (f"{one.name}\t{one.length}\t{one.offset}\t{one.line_letters}\t{one.line_bytes}\n" for one in found)
    return "".join(lines).encode("utf-8", "replace")


def _made(path: Path, place: Path) -> list[Extent]:
    """Return the index of `path` in the cache, made where it is not there yet."""
    if place.exists() and (found := parsed(place.read_bytes())) is not None:
        return found
    found = extents(path)
    with whole(place) as temporary:
        temporary.write_bytes(written(found))
    return found


def _fits(path: Path, found: list[Extent], starts: np.ndarray | None) -> bool:
    """Whether the records begin and end where the index says, as far as the first and last few tell."""
    read, size, close = opener(path, starts)
    try:
        some = [one for one in found if one.length]
        return bool(some) and all(_in_place(one, read, size) for one in [*some[:8], *some[-8:]])
    finally:
        close()


def _in_place(one: Extent, read: Callable[[int, int], bytes], size: int) -> bool:
    end = one.offset + last_byte(one, one.length)
    if one.offset < 2 or end > size:
        return False
    header = read(max(0, one.offset - (1 << 12)), min(one.offset, 1 << 12)).rstrip(b"\r\n").rpartition(b"\n")[2]
    names = header[:1] == b">" and header[1:].split(maxsplit=1)[:1] == [one.name.encode()]
    after = read(end, 64).lstrip()
    return names and read(one.offset - 1, 1) == b"\n" and after[:1] in {b"", b">"}


def last_byte(one: Extent, letters: int) -> int:
    """Return how many bytes after the record's offset its first `letters` letters take."""
    lines, rest = divmod(max(0, letters), one.line_letters)
    return lines * one.line_bytes + rest - (one.line_bytes - one.line_letters if rest == 0 and lines else 0)


def _copied(path: Path, copy: Path, *, why: str) -> Indexed:
    """Return the copy of a file in the cache, each record on one line, made where it is not there yet."""
    if not copy.exists():
        with whole(copy) as temporary, temporary.open("wb") as out:
            for number, piece in enumerate(pieces(path)):
                if piece.kind == "name":
                    out.write((b"\n>" if number else b">") + piece.content + b"\n")
                else:
                    out.write(piece.content.strip())
    try:
        found = _made(copy, copy.with_name("copy.fai"))
    except Ragged:
        raise RequestError(f"'{path.name}' cannot be indexed; write each record on lines of one length") from None
    return Indexed(copy, tuple(found), None, (f"'{path.name}' is read from a copy in the cache: {why}",))
