"""Label maps: read against the volume that they belong to, and written in its geometry."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import secrets
import struct
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.marks import UNMARKED
from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.quiet import quiet
from osler.modalities.images.read.volume.block import taken
from osler.modalities.images.read.volume.bounds import check_affine
from osler.modalities.images.read.volume.form import guarded, load_volume, start_of
from osler.modalities.images.read.volume.record import RawVolume

APART = 1e-2  # millimetres at a corner within which two grids are one
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_RASTER = (_PNG, b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM")

UINT8, FLOAT32 = (2, 8), (16, 32)  # NIfTI's numbers of types, and their bits


def load_mask(path: str, *, like: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """Return the labels (channels, i, j[, k]) uint8 of a mask for a volume of shape `like` and `affine`; 255 is unlabelled.

    A mask on the same grid whose axes are stored in another order or direction is brought to that of the volume, where both
    know their geometry (an `affine` that is the identity knows none). PNG, BMP and TIFF: grey values, or numbers of the palette, are
    the labels; one that holds 0 and 255 alone is black and white, and becomes 0 and 1. Raises Unusable for another shape or grid
    (more than 0.01 mm apart at a corner), for values that are not whole, negative, or above 254 (255 is no label), for JPEG,
    whose compression changes labels, and for colours.
    """
    return guarded(lambda: _loaded(path, like=like, affine=affine))


def write_mask(path: Path, labels: np.ndarray, *, affine: np.ndarray) -> None:
    """Write `labels` (i, j[, k]) as uint8: NIfTI-1 packed with gzip, or a PNG where `path` ends so; all of it or nothing.

    sform and qform are set, both with code 1 (scanner); the qform of a sheared `affine` is the nearest without shear. Raises
    ValueError for labels that are no whole numbers from 0 to 255, or of another number of axes.
    """
    small = np.asarray(labels)
    if small.ndim not in {2, 3} or ((small < 0) | (small > UNMARKED) | (small != np.rint(small))).any():
        raise ValueError("labels are whole numbers from 0 to 255 on two or three axes")
    small = small.astype(np.uint8)
    if path.suffix.lower() == ".png":
        content = _png(small)
    else:
        content = gzip.compress(nifti_header(small.shape, affine) + small.tobytes(order="F"), compresslevel=4, mtime=0)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


# reading --------------------------------------------------------------------------------------------------------------


def _loaded(path: str, *, like: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    start = start_of(path) if not os.path.isdir(path) else b""  # noqa: PTH112
    if start.startswith(_JPEG):
        raise Unusable("lossy", "the mask is a JPEG, which changes labels at every edge; save it as PNG")
    pictured = start[128:132] != b"DICM" and start.startswith(_RASTER)  # a DICOM's preamble may be a TIFF's
    found = _pictured(path) if pictured else load_volume(path)
    labels = _labels(found.values)
    if pictured and labels.max(initial=0) == UNMARKED and np.isin(labels, (0, UNMARKED)).all():
        labels = (labels > 0).astype(np.uint8)
    return np.ascontiguousarray(_aligned(labels, found, like=like, affine=affine))


def _pictured(path: str) -> RawVolume:
    """Return a raster mask; the numbers of a palette count, not its colours."""
    import PIL.Image

    with quiet(), PIL.Image.open(io.BytesIO(taken(path)), formats=("PNG", "TIFF", "BMP")) as image:
        palette = image.mode == "P" and getattr(image, "n_frames", 1) == 1
    if not palette:
        found = load_volume(path)
        grey = len(found.values) == 1 or (found.values == found.values[:1]).all()
        if not grey:
            raise Unusable("colours", "the mask has colours; save each label as one grey value, or with a palette")
        return RawVolume(found.values[:1], found.affine, "", geometry=False)
    load_volume(path)  # which refuses what is too large or damaged
    with quiet(), PIL.Image.open(io.BytesIO(taken(path)), formats=("PNG", "TIFF", "BMP")) as image:
        return RawVolume(np.asarray(image)[None], np.eye(4), "", geometry=False)


def _labels(values: np.ndarray) -> np.ndarray:
    """Return `values` as uint8; raises Unusable for what no label is."""
    if values.size == 0:
        raise Unusable("axes", "the mask has no voxels")
    low, high = values.min(), values.max()
    if low < 0:
        raise Unusable("labels", "the mask holds negative values; labels are whole numbers from 0")
    if high > UNMARKED:
        raise Unusable("labels", "the mask holds values above 255; labels are numbers up to 254, and 255 is unlabelled")
    labels = values.astype(np.uint8)
    if values.dtype.kind == "f" and (labels != values).any():
        raise Unusable("labels", "the mask holds values that are not whole: it was interpolated, or is no mask")
    return labels


def _aligned(labels: np.ndarray, found: RawVolume, *, like: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """Return (channels, *like): the labels where they belong; raises Unusable for another grid."""
    if labels.ndim - 1 == len(like) + 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    known = found.geometry and not np.array_equal(affine, np.eye(4))
    if not known:
        if labels.shape[1:] != like:
            raise _other_shape(labels.shape[1:], like)
        return labels
    turned = _turned(labels, np.linalg.inv(affine) @ found.affine)
    if turned is not None and turned[0].shape[1:] == like and _apart(affine, found.affine @ turned[1], like) <= APART:
        return turned[0]
    if sorted(labels.shape[1:]) != sorted(like):
        raise _other_shape(labels.shape[1:], like)
    raise Unusable("grid", "the mask lies elsewhere than the image (another affine); resample it to the image's grid")


def _turned(labels: np.ndarray, between: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the labels with axes exchanged and reversed as `between` (mask index → image index) says, and the matrix (4, 4) that takes
    the new index to the mask's; None where `between` does more than that."""
    axes = labels.ndim - 1
    turn = np.rint(between[:3, :3])
    if not np.array_equal(np.abs(turn).sum(axis=0), [1, 1, 1]) or not np.array_equal(np.abs(turn).sum(axis=1), [1, 1, 1]):
        return None
    order = np.abs(turn).argmax(axis=1)  # of the image's axis: which of the mask's it is
    if axes == 2 and order[2] != 2:
        return None
    back = np.eye(4)
    back[:3, :3] = turn.T
    for axis in range(3):
        source = int(order[axis])
        if turn[axis, source] < 0:
            back[source, 3] = (labels.shape[1 + source] if source < axes else 1) - 1
    moved = labels.transpose(0, *(1 + int(n) for n in order[:axes]))
    reverse = tuple(slice(None, None, -1) if turn[axis, order[axis]] < 0 else slice(None) for axis in range(axes))
    return moved[(slice(None), *reverse)], back


def _apart(one: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> float:
    """Return the largest distance in millimetres between the corners of two grids of one shape."""
    corners = np.array(list(itertools.product(*([0, n - 1] for n in shape), *([[0]] * (3 - len(shape))), [1])), float)
    return float(np.linalg.norm(corners @ (one - other)[:3].T, axis=1).max())


def _other_shape(found: tuple[int, ...], wanted: tuple[int, ...]) -> Unusable:
    has, needs = (" × ".join(map(str, shape)) for shape in (found, wanted))
    return Unusable("shape", f"the mask has {has} voxels and the image {needs}; resample it to the image's grid")


# writing --------------------------------------------------------------------------------------------------------------


def _png(labels: np.ndarray) -> bytes:
    import PIL.Image

    if labels.ndim != 2:
        raise ValueError("a PNG holds two axes")
    stream = io.BytesIO()
    PIL.Image.fromarray(labels).save(stream, "PNG")
    return stream.getvalue()


def nifti_header(shape: tuple[int, ...], affine: np.ndarray, *, kind: tuple[int, int] = UINT8) -> bytes:
    """Return the 352 bytes of a NIfTI-1 header, little endian (nifti1.h); `kind` is its number of the values' type, and their bits."""
    checked = check_affine(np.asarray(affine, np.float64))
    spacing = np.linalg.norm(checked[:3, :3], axis=0)
    sign, quaternion = _quaternion(checked[:3, :3] / spacing)
    header = bytearray(352)

    def put(form: str, at: int, *values: Any) -> None:
        struct.pack_into("<" + form, header, at, *values)

    put("i", 0, 348)
    put("8h", 40, len(shape), *shape, *[1] * (7 - len(shape)))
    put("2h", 70, *kind)
    put("8f", 76, sign, *spacing, 1, 1, 1, 1)
    put("3f", 108, 352, 1, 0)  # where the voxels begin, slope, intercept
    put("B", 123, 2)  # millimetres
    put("2h", 252, 1, 1)  # qform and sform: of the scanner
    put("6f", 256, *quaternion, *checked[:3, 3])
    put("12f", 280, *checked[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header)


def _quaternion(directions: np.ndarray) -> tuple[float, tuple[float, float, float]]:
    """Return whether k is mirrored (−1) or not (1), and b, c, d of the unit quaternion with a ≥ 0 of the nearest rotation."""
    left, _, right = np.linalg.svd(directions)
    rotation = left @ right
    sign = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    rotation = rotation * (1, 1, sign)
    # the eigenvector of this matrix with the largest eigenvalue (Bar-Itzhack 2000, doi:10.2514/2.4654) is exact at half turns too
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    matrix = np.array(
        [
            [xx - yy - zz, xy + yx, xz + zx, zy - yz],
            [xy + yx, yy - xx - zz, yz + zy, xz - zx],
            [xz + zx, yz + zy, zz - xx - yy, yx - xy],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    b, c, d, a = np.linalg.eigh(matrix)[1][:, -1]
    flip = -1.0 if a < 0 else 1.0
    return sign, (flip * b, flip * c, flip * d)
