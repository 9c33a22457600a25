"""What a picture is described by without learning: for the baseline and for the search of near-duplicates.

Pictures of one study have one size, so they are described many at once; each is described as if it were alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osler.modalities.images.case import THUMB
from osler.modalities.images.encode.canvas import resized, stretched
from osler.modalities.images.encode.gradients import CELLS, hog
from osler.modalities.images.encode.gradients import names as gradient_names
from osler.modalities.images.encode.intensity import NAMES, intensity, quantiles
from osler.modalities.images.encode.texture import pair_names, pairs, pattern_names, patterns

LARGEST = 256  # pixels along a side: larger pictures are made smaller before they are described
FINE = 64  # pixels along a side from which gradients are taken on a canvas of this size
ENDS = (0.005, 0.995)  # quantiles between which a thumbnail is stretched: one hot pixel must not darken the rest
SCALES = ("fine", "coarse")
GRID = 4  # parts along a side whose mean is told of each channel, where there are several
_AT_ONCE = 1 << 20  # pixels


@dataclass(frozen=True, slots=True)
class Described:
    """Of n pictures: `descriptors` (n, f) float32, `thumbnails` (n, THUMB, THUMB) uint8, `hashes` (n,) int64."""

    descriptors: np.ndarray
    thumbnails: np.ndarray
    hashes: np.ndarray


def names(shape: Sequence[int]) -> tuple[str, ...]:
    """Return the names of the descriptors of pictures of `shape` (channels, i, j).

    What stands before the first point is the group: intensity, histogram, gradients, texture, channels.
    """
    channels = int(shape[0])
    textures = (*(name for scale in SCALES for name in pattern_names(scale)), *pair_names())
    if channels == 1:
        return (*NAMES, *gradient_names(), *textures)
    each = (_of_channel(name, c) for c in range(channels) for name in NAMES)
    cells = (f"channels.{c + 1} part {i + 1},{j + 1}" for c in range(channels) for i in range(GRID) for j in range(GRID))
    return (*each, *cells, *gradient_names(), *textures)


def _of_channel(name: str, channel: int) -> str:
    group, _, rest = name.partition(".")
    return f"{group}.channel {channel + 1} {rest}"


def described(pixels: np.ndarray) -> Described:
    """Return the descriptors of pictures (n, channels, i, j) of any integer or floating type."""
    step = max(1, _AT_ONCE // max(1, pixels[0].size if len(pixels) else 1))
    parts = [_described(pixels[start : start + step]) for start in range(0, max(1, len(pixels)), step)]
    return Described(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("descriptors", "thumbnails", "hashes")))


def descriptors(pixels: np.ndarray) -> np.ndarray:
    """Return (f,) float32 of one picture (channels, i, j)."""
    return described(pixels[None]).descriptors[0]


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """Return (THUMB, THUMB) uint8 of one picture (channels, i, j)."""
    return described(pixels[None]).thumbnails[0]


def _described(pixels: np.ndarray) -> Described:
    count, channels, *size = pixels.shape
    if max(size) > LARGEST:
        pixels = resized(pixels, (min(size[0], LARGEST), min(size[1], LARGEST)))
    flat = pixels.reshape(count * channels, -1)
    # numpy sorts numbers of at most 16 bits by their digits where the sort is a stable one
    ordered = np.sort(flat, axis=1, kind="stable" if pixels.dtype.itemsize <= 2 else None)
    told = intensity(ordered).reshape(count, -1)
    if channels == 1:
        grey, low, high = pixels[:, 0].astype(np.float32), *quantiles(ordered, ENDS).T
        parts = [told]
    else:
        grey = pixels.astype(np.float32).mean(1)
        low, high = quantiles(np.sort(grey.reshape(count, -1), axis=1), ENDS).T
        parts = [told, resized(pixels, (GRID, GRID)).reshape(count, -1)]
    grey = stretched(grey, low, high)
    small = resized(grey, (THUMB, THUMB))
    parts += [_gradients(grey, small), patterns(grey), patterns(_half(grey)), pairs(grey)]
    thumbs = np.round(small * 255).astype(np.uint8)
    return Described(np.concatenate(parts, axis=1), thumbs, perceptual_hash(thumbs))


def _gradients(grey: np.ndarray, small: np.ndarray) -> np.ndarray:
    if min(grey.shape[1:]) < FINE:
        return hog(small, cell=THUMB // CELLS)
    return hog(resized(grey, (FINE, FINE)), cell=FINE // CELLS)


def _half(grey: np.ndarray) -> np.ndarray:
    high, wide = (side // 2 * 2 for side in grey.shape[1:])
    if min(high, wide) < 2:
        return grey
    cut = grey[:, :high, :wide]
    return np.asarray((cut[:, ::2, ::2] + cut[:, 1::2, ::2] + cut[:, ::2, 1::2] + cut[:, 1::2, 1::2]) / 4)


def perceptual_hash(thumbnails: np.ndarray) -> np.ndarray:
    """Return (n,) int64, 64 bits each: whether the low frequencies of thumbnails (n, THUMB, THUMB) lie above their median
    (a cosine transform's 8 × 8, without the mean)."""
    from scipy.fft import dctn

    low = dctn(thumbnails.astype(np.float32), axes=(1, 2))[:, :9, :9].reshape(len(thumbnails), -1)[:, 1:65]
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.asarray(np.packbits(bits, axis=1).view(np.int64).reshape(-1))
