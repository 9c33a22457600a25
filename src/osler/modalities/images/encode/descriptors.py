"""What a picture is described by without learning: for the baseline and for the search of near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osler.modalities.images.case import THUMB

BINS = 16


def names(shape: Sequence[int]) -> tuple[str, ...]:
    """Return the names of the descriptors of pictures of `shape` (channels, i, j)."""
    return tuple(f"histogram.{c}.{b}" for c in range(shape[0]) for b in range(BINS))


def descriptors(pixels: np.ndarray) -> np.ndarray:
    """Return (f,) float32 of one picture (channels, i, j)."""
    top = np.iinfo(pixels.dtype).max
    found = [np.histogram(channel, BINS, (0, top))[0] / channel.size for channel in pixels]
    return np.concatenate(found).astype(np.float32)


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """Return (THUMB, THUMB) uint8: the mean of the channels (channels, i, j), scaled between its extremes."""
    import PIL.Image

    grey = pixels.astype(np.float32).mean(axis=0)
    low, high = float(grey.min()), float(grey.max())
    scaled = (grey - low) / max(high - low, 1e-6) * 255
    return np.asarray(PIL.Image.fromarray(scaled).resize((THUMB, THUMB), PIL.Image.Resampling.BOX)).round().astype(np.uint8)


def perceptual_hash(small: np.ndarray) -> int:
    """Return 64 bits as int64: whether each block of the thumbnail is brighter than its right neighbour."""
    blocks = small[:, : THUMB // 9 * 9].reshape(8, THUMB // 8, 9, THUMB // 9).mean((1, 3))
    bits = (blocks[:, 1:] > blocks[:, :-1]).reshape(-1)
    return int(np.packbits(bits).view(np.int64)[0])
