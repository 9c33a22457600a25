"""Files that are one header and one block of values: NIfTI, NRRD and MetaImage, once their header is understood."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np

from osler.modalities.images.read.content import Unusable, opened
from osler.modalities.images.read.volume.bounds import MOST_BYTES, check_channels, check_finite, check_size
from osler.modalities.images.read.volume.numbers import rescaled, result_type
from osler.modalities.images.read.volume.packing import MOST_RATIO, Unpacker
from osler.modalities.images.read.volume.record import RawVolume, VolumeHeader

RAW, PACKED = "raw", "packed"
TO_END = -1  # of `offset`: the values are the file's last bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a volume's values lie in a file and what they mean.

    `shape` (i, j[, k]), first index fastest. `channels` lie side by side in each voxel where `inner`, else one volume behind another.
    The values, of the stored type `dtype` with its byte order, begin at `offset` of `file`, after unpacking where all of the file is
    packed (`whole`); where `packing` is "packed" and not `whole`, what follows `offset` is. Values mean stored × slope + intercept.
    """

    file: str
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype
    affine: np.ndarray
    channels: int = 1
    inner: bool = False
    packing: str = RAW
    whole: bool = False
    slope: float = 1.0
    intercept: float = 0.0
    geometry: bool = True
    identifying: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the values, unpacked."""
        return math.prod(self.shape) * self.channels * self.dtype.itemsize


def header(layout: Layout) -> VolumeHeader:
    """Return what the layout says of its volume; raises Unusable for one that is too large."""
    dtype = _checked(layout)
    return VolumeHeader(
        shape=layout.shape,
        channels=layout.channels,
        affine=layout.affine,
        dtype=str(dtype),
        modality="",
        geometry=layout.geometry,
        identifying=layout.identifying,
    )


def load(layout: Layout, *, data: bytes | None = None, unpacker: Unpacker | None = None) -> RawVolume:
    """Return the volume; raises Unusable.

    `data` are the file's bytes and `unpacker` has unpacked a packed one as far as `offset`, where they were taken already.
    """
    dtype = _checked(layout)
    stored = np.frombuffer(_bytes(layout, data, unpacker), layout.dtype)
    values = rescaled(stored, slope=layout.slope, intercept=layout.intercept, dtype=dtype)
    check_finite(values)
    if not values.flags.writeable:  # a view of the file's bytes: a caller, and torch, want memory of their own
        values = values.copy()
    return RawVolume(_shaped(values, layout), layout.affine, "", layout.geometry)


def _checked(layout: Layout) -> np.dtype:
    if not layout.inner:
        check_channels(layout.channels)
    dtype = result_type(layout.dtype, slope=layout.slope, intercept=layout.intercept)
    check_size(layout.shape, channels=layout.channels, itemsize=max(dtype.itemsize, layout.dtype.itemsize))
    return dtype


def _shaped(values: np.ndarray, layout: Layout) -> np.ndarray:
    """Return (channels, i, j[, k]), a view of the flat `values`."""
    if layout.inner:
        return values.reshape((layout.channels, *layout.shape), order="F")
    whole = values.reshape((*layout.shape, layout.channels), order="F")
    return np.moveaxis(whole, -1, 0)


def _bytes(layout: Layout, data: bytes | None, unpacker: Unpacker | None) -> bytearray | memoryview:
    if data is None:
        data = taken(layout.file)
    found = _plain(layout, data) if layout.packing == RAW else _unpacked(layout, data, unpacker)
    if len(found) < layout.size:
        raise cut_off()
    return found


def _plain(layout: Layout, data: bytes) -> memoryview:
    start = len(data) - layout.size if layout.offset == TO_END else layout.offset
    if start < 0:
        raise cut_off()
    return memoryview(data)[start : start + layout.size]


def _unpacked(layout: Layout, data: bytes, unpacker: Unpacker | None) -> bytearray:
    if len(data) * MOST_RATIO < layout.size:
        raise cut_off()
    if unpacker is None:
        unpacker = Unpacker(data if layout.whole else memoryview(data)[max(layout.offset, 0) :])
        if layout.whole:
            unpacker.take(layout.offset)
    found = unpacker.take(layout.size)
    unpacker.finish()
    return found


def taken(path: str) -> bytes:
    """Return a file's bytes, at most MOST_BYTES; raises Unusable."""
    try:
        with opened(path, most=MOST_BYTES) as stream:
            return stream.read()
    except OSError as error:  # a failing disk
        raise Unusable("unreadable", f"the file cannot be read: {os.strerror(error.errno or 5)}") from None


def cut_off() -> Unusable:
    """Return the fault of a file with fewer values than its header says."""
    return Unusable("damaged", "the file is cut off: it holds fewer voxels than its header says; fetch or export it again")
