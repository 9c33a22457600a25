"""Packed files of genomes: gzip as a stream, BGZF (blocked gzip, SAM specification §4.1) also at any place, and written.

Only zlib of Python is used: htslib in this process would let a hostile file write outside its memory.
"""

from __future__ import annotations

import gzip
import io
import os
import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

import numpy as np

from osler.core.errors import RequestError

GZIP = b"\x1f\x8b"
BLOCK = 0xFF00  # bytes of a written block before packing, as htslib cuts them
MOST = 1 << 16  # bytes of a block at most, packed or not
END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")  # the empty block that ends a whole file
KEPT = 128  # unpacked blocks that are kept: 8 MB
LEVEL = 6  # as bgzip
_HEAD = 18  # bytes of a block's header where "BC" is its only extra field, as every writer does it


class Unpacked:
    """Unpacked bytes of a file from its beginning, whatever its ending says. Its own errors are told where they happen, or they would be
    taken for those of a file that is written meanwhile."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self.path = stream, path

    def read(self, most: int) -> bytes:
        """Return the next `most` bytes, fewer at the end; raises RequestError where the file is damaged or cut off."""
        with _told(self.path):
            return self._stream.read(most)

    def readline(self, most: int) -> bytes:
        """Return the next line, or `most` bytes of it; raises RequestError as `read`."""
        try:  # no context manager here: a genome has fifty million lines
            return self._stream.readline(most)
        except (OSError, EOFError, zlib.error) as error:
            raise _sentence(error, self.path) from None


@contextmanager
def opened(path: Path) -> Iterator[Unpacked]:
    """Give `path` as a stream of unpacked bytes; raises RequestError where it is not there, or is BGZF and lacks its end: cut off between
    two blocks it would unpack without a fault."""
    with _told(path):
        raw = path.open("rb")
    with raw:
        with _told(path):
            packed = raw.read(2) == GZIP
            if packed and _block_size(_head(raw)) and not _ended(raw):
                raise RequestError(f"'{path.name}' is cut off: the empty block that ends a BGZF file is not there; fetch it again, or"
                                   " pack it again with bgzip")  # fmt: skip
            raw.seek(0)
        yield Unpacked(cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw, path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise _sentence(error, path) from None


def _sentence(error: Exception, path: Path) -> RequestError:
    if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
        return RequestError(f"'{path.name}' cannot be read: {error.strerror or type(error).__name__}")
    return RequestError(f"'{path.name}' is damaged or cut off: it does not unpack to its end; fetch or pack it again")


def _head(raw: IO[bytes]) -> bytes:
    raw.seek(0)
    return raw.read(_HEAD)


def _ended(raw: IO[bytes]) -> bool:
    raw.seek(max(0, raw.seek(0, io.SEEK_END) - len(END)))
    return raw.read() == END


def packing(path: Path) -> str:
    """Return "plain", "gzip", or "bgzf", which can be read at any place."""
    with _told(path), path.open("rb") as raw:
        head = raw.read(_HEAD)
    if head[:2] != GZIP:
        return "plain"
    return "bgzf" if _block_size(head) else "gzip"


def _block_size(head: bytes) -> int:
    """Return the packed bytes of the block that begins with `head`, 0 where it is none."""
    if len(head) < _HEAD or head[:4] != b"\x1f\x8b\x08\x04" or head[12:16] != b"BC\x02\x00":
        return 0
    return int.from_bytes(head[16:18], "little") + 1


def block_starts(path: Path) -> np.ndarray:
    """Return where the blocks of a BGZF file begin (blocks + 1, 2) int64, packed and unpacked, the end last; raises RequestError.

    Only headers and lengths are read, nothing is unpacked.
    """
    places = [(0, 0)]
    with path.open("rb") as raw:
        size = raw.seek(0, io.SEEK_END)
        at = unpacked = 0
        while at < size:
            raw.seek(at)
            length = _block_size(raw.read(_HEAD))
            if length <= _HEAD or at + length > size:
                raise RequestError(
                    f"'{path.name}' is damaged or cut off: a block of BGZF is wanted at byte {at:,}; pack it again with bgzip"
                )
            raw.seek(at + length - 4)
            at, unpacked = at + length, unpacked + int.from_bytes(raw.read(4), "little")
            places.append((at, unpacked))
    return np.array(places, np.int64)


class Blocks:
    """Unpacked bytes of a BGZF file at any place; the latest blocks are kept."""

    def __init__(self, path: Path, starts: np.ndarray) -> None:
        """`starts` (blocks + 1, 2) as `block_starts` gives them."""
        self.path, self.starts = path, starts
        self._file = path.open("rb")
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def __len__(self) -> int:
        return int(self.starts[-1, 1])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, start: int, length: int) -> bytes:
        """Return `length` unpacked bytes from `start`, fewer at the end; raises RequestError for a damaged block."""
        number = max(0, int(np.searchsorted(self.starts[:, 1], start, side="right")) - 1)
        parts, skip = [], start - int(self.starts[number, 1])
        while length > 0 and number < len(self.starts) - 1:
            part = self._block(number)[skip : skip + length]
            parts.append(part)
            number, skip, length = number + 1, 0, length - len(part)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        (at, first), (after, last) = self.starts[number], self.starts[number + 1]
        content = _unpacked(os.pread(self._file.fileno(), int(after - at), int(at)), self.path)
        if len(content) != last - first:
            raise RequestError(
                f"'{self.path.name}' does not fit its index (.gzi): make that anew with bgzip --reindex, or delete it"
            )
        self._kept[number] = content
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return content


def _unpacked(packed: bytes, path: Path) -> bytes:
    """Return the content of a run of whole blocks; an index may leave out where empty ones lie."""
    parts, machine = [], zlib.decompressobj(31)
    try:
        while packed:
            machine = zlib.decompressobj(31)
            parts.append(machine.decompress(packed, MOST))
            packed = machine.unused_data
        whole = machine.eof
    except zlib.error:
        whole = False
    if not whole:
        raise RequestError(f"'{path.name}' is damaged: a block does not unpack; fetch it, or pack it with bgzip again")
    return b"".join(parts)


def opener(path: Path, starts: np.ndarray | None) -> tuple[Callable[[int, int], bytes], int, Callable[[], None]]:
    """Return how to read `length` unpacked bytes at a place, how many there are, and how to close; `starts` are those of BGZF."""
    if starts is not None:
        blocks = Blocks(path, starts)
        return blocks.read, len(blocks), blocks.close
    file = path.open("rb")
    size = file.seek(0, io.SEEK_END)

    def read(at: int, length: int) -> bytes:
        return os.pread(file.fileno(), length, at)  # a worker that was forked shares the place, which seeking would move

    return read, size, file.close


class Packed:
    """Write a BGZF file: what bgzip, tabix and bcftools read. Used in a `with`; errors of the disk are OSError."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._held = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._flush(least=1)
                self._file.write(END)
        finally:
            self._file.close()

    def write(self, content: bytes) -> None:
        """Append `content`."""
        self._held += content
        self._flush(least=BLOCK)

    def _flush(self, *, least: int) -> None:
        done = 0
        while len(self._held) - done >= least:
            self._file.write(packed_block(bytes(self._held[done : done + BLOCK])))
            done = min(done + BLOCK, len(self._held))
        del self._held[:done]


def packed_block(content: bytes) -> bytes:
    """Return one block of at most `BLOCK` bytes."""
    machine = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    data = machine.compress(content) + machine.flush()
    if len(data) + _HEAD + 8 > MOST:  # what does not get smaller is stored: five bytes more than its content
        machine = zlib.compressobj(0, zlib.DEFLATED, -15)
        data = machine.compress(content) + machine.flush()
    size = len(data) + _HEAD + 8 - 1
    head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", size)
    return head + data + struct.pack("<II", zlib.crc32(content), len(content))
