"""Hashes that are the same on every machine and in every version: of words, and of the content of rows.

Python's own `hash` differs from run to run, and a data frame library's from release to release; a vocabulary that is kept
in a bundle needs one that stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

# Splitmix64's finaliser (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195): a bijection of 64 bits that spreads each bit.
_STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_NOT_A_NUMBER = np.uint64(0x7FF8000000000000)
_CELLS = 1 << 18  # cells mixed at once: 2 MB stay in the processor's cache


def word_hash(text: str) -> int:
    """Return a 64-bit hash of `text` (BLAKE2b of its UTF-8), as int64 and never 0, which stands for missing."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True) or 1


def word_hashes(texts: Iterable[str]) -> np.ndarray:
    """Return `word_hash` of each of `texts`, (n,) int64. Give distinct texts: it is a loop."""
    return np.fromiter((word_hash(text) for text in texts), np.int64)


def number_bits(values: np.ndarray) -> np.ndarray:
    """Return the float64 bit patterns of numbers as uint64 in which equal numbers are equal: one zero, one NaN."""
    wide = np.asarray(values, np.float64) + 0.0  # −0.0 + 0.0 is 0.0
    return np.where(np.isnan(wide), _NOT_A_NUMBER, wide.view(np.uint64))


def row_fingerprints(blocks: Sequence[np.ndarray], *, names: Sequence[str]) -> np.ndarray:
    """Return (n, 2) int64, a 128-bit hash of each row's content, never (0, 0).

    `blocks` are (n, c) arrays, floats or int64 hashes, whose columns side by side are called `names`; NaN among floats and 0
    among hashes are the same missing cell. Each cell is mixed
    with its column's name and the cells are added, so that the order of columns does not matter.
    """
    rows = len(blocks[0]) if blocks else 0
    salt = word_hashes(names).view(np.uint64)
    prints = np.zeros((rows, 2), np.uint64)
    step = max(1, _CELLS // max(1, len(salt)))
    for start in range(0, rows, step):
        at = slice(start, start + step)
        first = 0
        for block in blocks:
            mixed = _mixed(_bits(block[at]) ^ salt[first : first + block.shape[1]])
            prints[at, 0] += mixed.sum(axis=1, dtype=np.uint64)
            mixed += _GOLDEN
            prints[at, 1] += _mixed(mixed).sum(axis=1, dtype=np.uint64)
            first += block.shape[1]
    prints[(prints == 0).all(axis=1), 0] = 1
    return prints.view(np.int64)


def bag_fingerprints(blocks: Sequence[np.ndarray], *, names: Sequence[str], offsets: np.ndarray) -> np.ndarray:
    """Return (n, 2) int64, a 128-bit hash of each case's events, whatever their order; (0, 0) is a case without events.

    `blocks` and `names` are as in `row_fingerprints`, one row per event; `offsets` (n + 1,) tell where each case's begin.
    Each event's hash is mixed again before they are added, so that two events cannot exchange their cells unnoticed.
    """
    prints = row_fingerprints(blocks, names=names).view(np.uint64)
    sums = np.zeros((len(prints) + 1, 2), np.uint64)
    for lane in range(2):
        np.cumsum(_mixed(np.ascontiguousarray(prints[:, lane])), out=sums[1:, lane])
    found = sums[offsets[1:]] - sums[offsets[:-1]]
    found[(found == 0).all(axis=1) & (np.diff(offsets) > 0), 0] = 1
    return found.view(np.int64)


def _bits(block: np.ndarray) -> np.ndarray:
    if block.dtype.kind == "f":
        return number_bits(block)
    words = np.ascontiguousarray(block, np.int64).view(np.uint64)
    return np.where(words == 0, _NOT_A_NUMBER, words)


def _mixed(bits: np.ndarray) -> np.ndarray:
    """Mix `bits` (uint64) in place and return them."""
    for shift, factor in _STEPS:
        bits ^= bits >> np.uint64(shift)
        bits *= np.uint64(factor)
    bits ^= bits >> np.uint64(31)
    return bits
