"""Short words of letters (k-mers), with or without gaps, counted in many sequences at once.

A word is a number in base 4 (20 of proteins), its first letter the highest digit. `places` say which letters it takes: (0, 1, 2) is a
3-mer, (0, 1, 4, 5) two pairs with a gap of two between them. A word with a letter that stands for several is no word.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from osler.core.columns import Ragged
from osler.modalities.sequences.case import BARE
from osler.modalities.sequences.read.alphabet import BASES, RESIDUES, letters_of

CELLS = 1 << 24  # counts made at once


def base_of(alphabet: str) -> int:
    """Return how many letters mean one thing: 4, of proteins 20."""
    return RESIDUES if alphabet == "protein" else BASES


def word_numbers(letters: Ragged, places: Sequence[int], *, base: int) -> np.ndarray:
    """Return (total,) int64: the number of the word that starts at each letter of each sequence, -1 where there is none."""
    digits = letters.values & BARE
    total, reach = len(digits), places[-1] + 1
    found = np.full(total, -1, np.int64)
    if total < reach:
        return found
    number = np.zeros(total - reach + 1, np.int64)
    good = np.ones(len(number), bool)
    for place in places:
        here = digits[place : place + len(number)]
        number = number * base + here
        good &= here < base
    left = np.repeat(letters.offsets[1:], np.diff(letters.offsets)) - np.arange(total)  # letters from here to the end
    good &= left[: len(number)] >= reach
    found[: len(number)] = np.where(good, number, -1)
    return found


def tallied(letters: Ragged, numbers: np.ndarray, *, words: int, bins: int = 1, map_to: np.ndarray | None = None) -> np.ndarray:
    """Return (n, bins × words) float32, how often each case has each word; of several `bins` of equal length along the sequence each
    has its own counts. `map_to` (any,) gives the number under which a word is counted."""
    lengths = np.diff(letters.offsets)
    out = np.empty((len(lengths), bins * words), np.float32)
    step = max(1, CELLS // (bins * words))
    for start in range(0, len(lengths), step):
        stop = min(start + step, len(lengths))
        first, last = letters.offsets[start], letters.offsets[stop]
        own, size = numbers[first:last], lengths[start:stop]
        owner = np.repeat(np.arange(stop - start), size)
        if bins > 1:
            within = np.arange(last - first) - np.repeat(letters.offsets[start:stop] - first, size)
            owner = owner * bins + within * bins // np.maximum(np.repeat(size, size), 1)
        there = own >= 0
        named = own[there] if map_to is None else map_to[own[there]]
        found = np.bincount(owner[there] * words + named, minlength=(stop - start) * bins * words)
        out[start:stop] = found.reshape(stop - start, bins * words)
    return out


def opposite(length: int) -> np.ndarray:
    """Return (4^length,) the number of each word's reverse complement; gaps must lie evenly around the word's middle."""
    numbers = np.arange(BASES**length)
    found = np.zeros_like(numbers)
    for turn in range(length):
        found += (BASES - 1 - numbers // BASES**turn % BASES) * BASES ** (length - 1 - turn)
    return found


def strandless(length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each word of bases (4^length,) the number that it shares with its reverse complement, counted without gaps, and (m,)
    the lesser word of each such pair."""
    lesser = np.minimum(np.arange(BASES**length), opposite(length))
    kept, shared = np.unique(lesser, return_inverse=True)
    return shared, kept


def spelled(places: Sequence[int], numbers: Sequence[int], *, alphabet: str) -> list[str]:
    """Return words as text, a dot for each letter of a gap."""
    letters = letters_of(alphabet)
    base, count = base_of(alphabet), len(places)
    gaps = ["." * (b - a - 1) for a, b in itertools.pairwise(places)]
    told = []
    for number in numbers:
        own = [letters[int(number) // base ** (count - 1 - turn) % base] for turn in range(count)]
        told.append("".join(letter + gap for letter, gap in zip(own, [*gaps, ""], strict=True)))
    return told
