"""A volume as NIfTI-1 in the geometry of the case that it was made of."""

from __future__ import annotations

import gzip
import struct

import numpy as np

from osler.core.provenance import Provenance
from osler.modalities.images.read.volume.masks import nifti_header

_KINDS = {"uint8": (2, 8), "int16": (4, 16), "int32": (8, 32), "float32": (16, 32), "uint16": (512, 16)}
_DESCRIPTION, _LONGEST = 148, 79  # where `descrip` lies in the header, and how much it holds beside its end
_WINDOW = 124  # cal_max and cal_min


def nifti(values: np.ndarray, *, affine: np.ndarray, provenance: Provenance) -> bytes:
    """Return `values` (channels, i, j, k) as a packed NIfTI-1 file; several channels are its fourth axis.

    sform and qform are those of `affine`, in millimetres. The description says that the image is synthetic, and what made it.
    """
    kind = str(values.dtype) if str(values.dtype) in _KINDS else "float32"
    shape = values.shape[1:] if len(values) == 1 else (*values.shape[1:], len(values))
    header = bytearray(nifti_header(shape, affine, kind=_KINDS[kind]))
    words = provenance.sentence.encode("ascii")[:_LONGEST]
    header[_DESCRIPTION : _DESCRIPTION + len(words)] = words
    low, high = (float(np.percentile(values, p)) for p in (0.5, 99.5))
    struct.pack_into("<2f", header, _WINDOW, high, low)
    whole = values[0] if len(values) == 1 else np.moveaxis(values, 0, -1)
    stored = whole.astype(np.dtype(kind).newbyteorder("<"))
    return gzip.compress(bytes(header) + stored.tobytes(order="F"), compresslevel=4, mtime=0)
