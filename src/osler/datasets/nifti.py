"""As much of NIfTI-1 as the converters need: one file, little-endian, with an affine (https://nifti.nimh.nih.gov/nifti-1)."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from osler.core.errors import RequestError

HEADER_BYTES, OFFSET = 348, 352
SCANNER = 1  # code of the transform: coordinates of the scanner
MILLIMETRES = 2
_KINDS = {2: "<u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 256: "<i1", 512: "<u2", 768: "<u4"}
_CODES = {np.dtype(kind): code for code, kind in _KINDS.items()}


def read_nifti(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the values (i, j, k) of a gzipped file and its affine (4, 4), index to millimetres RAS+.

    Raises RequestError where the file is no little-endian NIfTI-1 with an sform.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        size, axes = struct.unpack_from("<i", content, 0)[0], struct.unpack_from("<8h", content, 40)
        code, offset = struct.unpack_from("<h", content, 70)[0], int(struct.unpack_from("<f", content, 108)[0])
        slope, inter = struct.unpack_from("<2f", content, 112)
        form = struct.unpack_from("<h", content, 254)[0]
        shape = [max(n, 1) for n in axes[1 : 1 + max(axes[0], 3)]][:3]
        values = np.frombuffer(content, _KINDS[code], int(np.prod(shape)), offset).reshape(shape, order="F")
    except (OSError, EOFError, ValueError, KeyError, struct.error, zlib.error) as error:
        raise _other(path, type(error).__name__) from None
    if size != HEADER_BYTES or form <= 0:
        raise _other(path, "no sform")
    affine = np.vstack([np.frombuffer(content, "<f4", 12, 280).reshape(3, 4), [0, 0, 0, 1]]).astype(np.float64)
    return (values if slope in {0.0, 1.0} and inter == 0 else values * slope + inter), affine


def _other(path: Path, why: str) -> RequestError:
    return RequestError(f"'{path.name}' is no NIfTI-1 file as it was tested ({why}); fetch it again")


def nifti(values: np.ndarray, *, affine: np.ndarray) -> bytes:
    """Return a gzipped NIfTI-1 file of `values` (i, j, k) with `affine` (4, 4), index to millimetres RAS+, as its sform."""
    values = np.asarray(values)
    header = bytearray(OFFSET)
    struct.pack_into("<i", header, 0, HEADER_BYTES)
    struct.pack_into("<8h", header, 40, values.ndim, *values.shape, *[1] * (7 - values.ndim))
    struct.pack_into("<2h", header, 70, _CODES[values.dtype.newbyteorder("<")], 8 * values.itemsize)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    struct.pack_into("<8f", header, 76, 1, *spacing, *[0] * 4)
    struct.pack_into("<3f", header, 108, OFFSET, 1, 0)
    header[123] = MILLIMETRES
    struct.pack_into("<2h", header, 252, 0, SCANNER)
    struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    header[344:348] = b"n+1\0"
    body = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes(order="F")
    return gzip.compress(bytes(header) + body, compresslevel=6, mtime=0)  # the same bytes whenever it is made
