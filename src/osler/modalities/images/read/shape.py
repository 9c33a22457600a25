"""A picture brought to the study's channels, size and type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.raw import Raw

INTERPOLATIONS = ("bilinear", "box", "bicubic", "lanczos", "nearest")
REDUCE = 2.0  # whole-number shrinking before the filter, where the picture stays this many times larger than wanted
ANY = "any"  # of `bits`: files of any depth are taken, each stretched from its own range


def shaped(raw: Raw, *, channels: int, reading: Mapping[str, Any]) -> np.ndarray:
    """Return (channels, i, j) in `reading`'s size and dtype; raises Unusable where the depth is another than the study's."""
    if not raw.shown and reading["bits"] not in {raw.depth, ANY}:
        wanted = reading["bits"]
        raise Unusable(
            "depth", f"the picture has {raw.depth} bits and the study's others have {wanted}; save all alike, or set bits=any"
        )
    values = _with_channels(raw.values, channels)
    return _whole(_resized(values, reading=reading), raw, reading=reading)


def frame(shape: tuple[int, int], *, size: tuple[int, int], fit: str) -> tuple[int, int]:
    """Return the size (i, j) to which a picture of `shape` is scaled inside `size`: all of it, or as much as its aspect allows.

    >>> frame((100, 50), size=(64, 64), fit="pad"), frame((100, 50), size=(64, 64), fit="stretch")
    ((64, 32), (64, 64))
    """
    if fit == "stretch":
        return size
    scale = min(size[0] / shape[0], size[1] / shape[1])
    return min(size[0], max(1, round(shape[0] * scale))), min(size[1], max(1, round(shape[1] * scale)))


def _with_channels(values: np.ndarray, channels: int) -> np.ndarray:
    if len(values) == channels:
        return values
    if channels == 3:
        return np.repeat(values, 3, axis=0)
    # luma of ITU-R BT.601, exact where the three are equal
    wide = values.astype(np.uint32)
    return ((wide[0] * 19595 + wide[1] * 38470 + wide[2] * 7471 + 32768) >> 16).astype(values.dtype)[None]


def _resized(values: np.ndarray, *, reading: Mapping[str, Any]) -> np.ndarray:
    """Return `values` (c, i, j) in the study's size, bytes as bytes and all else as float32."""
    size = (int(reading["size"][0]), int(reading["size"][1]))
    shape = (values.shape[1], values.shape[2])
    if shape == size:
        return values
    inner = frame(shape, size=size, fit=reading["fit"])
    scaled = _scaled(values, inner, interpolation=reading["interpolation"]) if inner != shape else values
    if inner == size:
        return scaled
    before = [(size[axis] - inner[axis]) // 2 for axis in (0, 1)]
    out: np.ndarray = np.full((len(values), *size), reading["pad"], scaled.dtype)
    out[:, before[0] : before[0] + inner[0], before[1] : before[1] + inner[1]] = scaled
    return out


def _scaled(values: np.ndarray, size: tuple[int, int], *, interpolation: str) -> np.ndarray:
    """Return `values` scaled with a filter that takes in every pixel it shrinks (Pillow widens its support)."""
    import PIL.Image

    method = PIL.Image.Resampling[interpolation.upper()]
    gap = None if interpolation == "nearest" else REDUCE
    wanted = size[::-1]
    if values.dtype == np.uint8:
        image = PIL.Image.fromarray(values[0] if len(values) == 1 else np.ascontiguousarray(values.transpose(1, 2, 0)))
        found = np.asarray(image.resize(wanted, method, reducing_gap=gap))
        return found[None] if found.ndim == 2 else found.transpose(2, 0, 1)
    planes = [PIL.Image.fromarray(np.ascontiguousarray(plane, np.float32)) for plane in values]
    return np.stack([np.asarray(plane.resize(wanted, method, reducing_gap=gap)) for plane in planes])


def _whole(values: np.ndarray, raw: Raw, *, reading: Mapping[str, Any]) -> np.ndarray:
    """Return `values` in the study's type: stretched from its range, from 0 to 1 where a window did so, else as they are."""
    dtype = np.dtype(reading["dtype"])
    if values.dtype == dtype and reading["range"] is None and not raw.shown:
        return np.ascontiguousarray(values)
    ends = np.iinfo(dtype)
    given = _given(raw, reading=reading)
    found = values.astype(np.float64)
    if given is not None:
        low, high = given
        found = ends.min + (found - low) / (high - low) * (int(ends.max) - int(ends.min))
    return np.clip(np.rint(found), ends.min, ends.max).astype(dtype)


def _given(raw: Raw, *, reading: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return what is stretched over the whole type, None where values are kept."""
    if raw.shown:
        return 0.0, 1.0
    if reading["range"] is not None:
        return float(reading["range"][0]), float(reading["range"][1])
    own = {8: (0.0, 255.0), 16: (0.0, 65535.0)}.get(raw.depth)
    wide = {"uint8": 8, "uint16": 16}.get(str(reading["dtype"]))
    return own if wide is not None and own is not None and wide != raw.depth else None
