"""Unpacking with a bound: no more than was asked for, whatever a file claims."""

from __future__ import annotations

import zlib
from typing import Any

from osler.modalities.images.read.content import Unusable

GZIP = b"\x1f\x8b"
MOST_RATIO = 1032  # deflate: 258 bytes from 2 bits
MOST_MEMBERS = 1 << 16  # of a gzip file: 4 GiB in the blocks of 64 KiB that bgzip writes
_GIVEN = 1 << 20  # bytes given at once: what a member leaves over is copied


class Unpacker:
    """Unpacks `data`, gzip (RFC 1952, of several members too) or zlib (RFC 1950), as far as it is asked for."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._members = 1
        self._gzip = bytes(self._data[:2]) == GZIP
        self._inner = _decompressor(gzip=self._gzip)

    def take(self, count: int) -> bytearray:
        """Return the next `count` bytes, fewer at the stream's end; raises Unusable where it is damaged."""
        found = bytearray()  # grows with what is there, not with what is claimed
        while len(found) < count:
            if self._inner.eof:
                if not self._next_member():
                    break
                continue
            part = self._part(count - len(found))
            found += part
            if not part and self._is_over():
                break
        return found

    def finish(self) -> None:
        """Let the stream check its own sum; raises Unusable where the content is not what was packed."""
        while not self._inner.eof:
            if self._part(1) or self._is_over():  # something follows the values, which nobody asked for, or nothing more
                break

    def _is_over(self) -> bool:
        """Return whether the decompressor wants more than there is."""
        return bool(self._inner.needs_input) and self._at >= len(self._data)

    def _part(self, count: int) -> bytes:
        """Return up to `count` bytes; none may come where input was taken, or where what was kept of it is used up."""
        given = self._data[self._at : self._at + _GIVEN] if self._inner.needs_input else b""
        self._at += len(given)
        try:
            return bytes(self._inner.decompress(given, count))
        except Exception:  # noqa: BLE001  each library has its own error
            raise Unusable(
                "damaged", "the packed content is damaged and cannot be unpacked; fetch or export the file again"
            ) from None

    def _next_member(self) -> bool:
        """Begin with the next member of a gzip file; return whether there is one."""
        self._at -= len(self._inner.unused_data)
        if not self._gzip or bytes(self._data[self._at : self._at + 2]) != GZIP:
            return False
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise Unusable("packing", f"the file is packed in more than {MOST_MEMBERS:,} pieces; pack it as one")
        self._inner = _decompressor(gzip=True)
        return True


class _Plain:
    """zlib's own decompressor in the manner of isal's, which keeps what it was given."""

    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(bits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, count: int) -> bytes:
        return self._inner.decompress(data or self._inner.unconsumed_tail, count)


def _decompressor(*, gzip: bool) -> Any:
    """Return isal's decompressor, three times as fast as zlib's on a volume of 250 kB; zlib's where there is no isal."""
    try:
        from isal import igzip_lib
    except ImportError:
        return _Plain(31 if gzip else 15)
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP if gzip else igzip_lib.DECOMP_ZLIB)
