"""Long pieces of sequences as 64-bit numbers, the same for both strands, of many sequences at once.

A polynomial over random numbers of the letters, modulo 2⁶⁴ with an odd base, from sums along all letters (Karp and Rabin 1987); of the
other strand the same with the powers the other way round; then mixed, so that low bits are as random as high ones.
"""

from __future__ import annotations

import numpy as np

from osler.core.columns import Ragged
from osler.modalities.sequences.case import BARE
from osler.modalities.sequences.encode.words import base_of
from osler.modalities.sequences.gather import blocks
from osler.modalities.sequences.read.alphabet import complement

LENGTH = {"dna": 40, "rna": 40, "protein": 15}  # letters: so many are hardly ever equal by accident
MOST = 20_000_000  # letters of which every piece is looked at; of more every few, chosen by the piece itself
_BASE = 0x9E3779B97F4A7C15 | 1
_BACK = pow(_BASE, -1, 1 << 64)


def pieces(letters: Ragged, *, alphabet: str, share: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the number (p,) uint64 of each piece of LENGTH letters and the sequence (p,) int64 that it lies in, without repeats; pieces
    with a letter that stands for several are left out. One in `share` is kept, the same ones wherever they occur."""
    every = max(1, len(letters.values) // MOST) if share is None else share
    found = [np.empty((0, 2), np.uint64)]
    for start, stop in blocks(np.diff(letters.offsets)):
        part = Ragged(letters.values[letters.offsets[start] : letters.offsets[stop]],
                      letters.offsets[start : stop + 1] - letters.offsets[start])  # fmt: skip
        found.append(_pieces(part, alphabet=alphabet, every=every) + np.array([start, 0], np.uint64))
    pairs = np.concatenate(found)
    return pairs[:, 1], pairs[:, 0].astype(np.int64)


def _pieces(letters: Ragged, *, alphabet: str, every: int) -> np.ndarray:
    """Return (p, 2) uint64, the sequence and the number of each piece."""
    length, bare = LENGTH[alphabet], np.asarray(letters.values) & BARE
    if len(bare) < length:
        return np.empty((0, 2), np.uint64)
    found = _rolled(bare, length)
    if alphabet == "dna":
        found = np.minimum(found, _rolled(complement(bare[::-1]), length)[::-1])
    owner = np.repeat(np.arange(len(letters), dtype=np.uint64), np.diff(letters.offsets))
    odd = np.concatenate([[0], np.cumsum(bare >= base_of(alphabet))])
    here = (owner[: len(found)] == owner[length - 1 :]) & (odd[length:] == odd[: len(found)])
    here &= found % np.uint64(every) == 0
    return np.unique(np.stack([owner[: len(found)][here], found[here]], axis=1), axis=0)


def _rolled(bare: np.ndarray, length: int) -> np.ndarray:
    """Return (total - length + 1,) the number of the piece from each letter on."""
    numbers = np.random.default_rng(0x5E9).integers(1, 1 << 63, 128, dtype=np.uint64)
    with np.errstate(over="ignore"):
        sums = np.concatenate([[np.uint64(0)], np.cumsum(numbers[bare] * _powers(_BASE, len(bare)), dtype=np.uint64)])
        found = (sums[length:] - sums[:-length]) * _powers(_BACK, len(bare) - length + 1)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            found = (found ^ (found >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(found ^ (found >> np.uint64(31)))


def _powers(base: int, count: int) -> np.ndarray:
    """Return (count,) uint64 base⁰, base¹, …, modulo 2⁶⁴."""
    factors = np.full(count, np.uint64(base & (1 << 64) - 1))
    factors[:1] = 1
    return np.asarray(np.cumprod(factors, dtype=np.uint64))
