"""How alike two molecules are: the Tanimoto coefficient of their Morgan bits, many at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_PAIRS = 1 << 21  # compared at once: 16 MB of words


def words(bits: np.ndarray) -> np.ndarray:
    """Return packed bits (n, 256) uint8 as (n, 32) uint64."""
    return np.ascontiguousarray(bits).view(np.uint64)


def tanimoto(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return (n, m) float32, the shared bits over all bits of words (n, 32) and (m, 32); 1 of two molecules without a bit."""
    shared = np.zeros((len(some), len(others)), np.uint16)
    for column in range(some.shape[1]):
        shared += np.bitwise_count(some[:, column, None] & others[None, :, column])
    own, their = (np.bitwise_count(part).sum(1, dtype=np.int32) for part in (some, others))
    either = own[:, None] + their - shared
    return np.where(either > 0, shared / np.maximum(either, 1), 1.0).astype(np.float32)


def compared(some: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield blocks of rows of `some` (n, 32) and their similarity (b, m) to all `others` (m, 32), in bounded memory."""
    step = max(1, _PAIRS // max(1, len(others)))
    for start in range(0, len(some), step):
        here = slice(start, min(len(some), start + step))
        yield here, tanimoto(some[here], others)


def nearest(some: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (n,) the similarity of the most similar of `others` to each of `some`, and which it is; 0 and -1 where there is none."""
    best, which = np.zeros(len(some), np.float32), np.full(len(some), -1, np.int64)
    if not len(others):
        return best, which
    for here, found in compared(some, others):
        which[here] = found.argmax(1)
        best[here] = found.max(1)
    return best, which
