"""Whether a sequence's strand, and a letter's place in it, have a meaning: from the sequences alone."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Ragged
from osler.modalities.sequences.case import BARE
from osler.modalities.sequences.encode.words import opposite, tallied, word_numbers
from osler.modalities.sequences.read.alphabet import BASES

LENGTH = 4  # of the words that are compared with their reverse complements
SAME = 0.95  # of the sequences that are as long as the usual one, before places can be compared
CHANCE = 3.0  # χ² for each degree of freedom, below which letters do not depend on their place
COMMON = 16  # sequences that a count rests on
MIDDLE = 3  # letters of the words about a letter whose target is compared with that of the other strand


def strand_bias(letters: Ragged) -> float:
    """Return how far, in standard errors, a count is from that of the other strand: the 4-mer that differs most from its reverse
    complement, or in sequences of one length the base that at some place differs most from its partner at the mirrored place. Chance alone
    gives about 3 of the hundreds that are compared."""
    return round(max(_by_word(letters), _by_place(letters)), 2) if len(letters) > 1 else 0.0


def _by_word(letters: Ragged) -> float:
    numbers = word_numbers(letters, range(LENGTH), base=BASES)
    counts = tallied(letters, numbers, words=BASES**LENGTH)
    other = opposite(LENGTH)
    pairs = np.flatnonzero(np.arange(len(other)) < other)
    away = counts[:, pairs] - counts[:, other[pairs]]
    error = away.std(axis=0, ddof=1) / np.sqrt(len(letters))
    # a word that a handful of sequences hold makes no rule
    common = ((away != 0).sum(axis=0) >= COMMON) & (error > 0)
    score = np.abs(away.mean(axis=0)) / np.where(error > 0, error, 1.0)
    return float(score[common].max(initial=0.0))


def _by_place(letters: Ragged) -> float:
    counts = _placed(letters, base=BASES)
    mirrored = counts[::-1, ::-1]  # A for T and C for G
    both = counts + mirrored
    score = np.abs(counts - mirrored) / np.sqrt(np.maximum(both, 1.0))
    return float(score[both >= COMMON].max(initial=0.0))


def track_bias(letters: Ragged, track: Ragged) -> float:
    """Return how far, in standard errors over sequences, the target of a letter in the middle of a word is from that in the middle of
    the word's reverse complement, for the word of three letters where it is most. Chance alone gives about 3."""
    words, other = BASES**MIDDLE, opposite(MIDDLE)
    numbers = word_numbers(letters, range(MIDDLE), base=BASES)
    values = np.concatenate([np.asarray(track.values[1:], np.float64), [np.nan]])  # of the letter in the middle
    owner = np.repeat(np.arange(len(letters)), np.diff(letters.offsets))
    known = np.flatnonzero((numbers >= 0) & ~np.isnan(values))
    pair = np.minimum(numbers[known], other[numbers[known]])
    mean = np.bincount(pair, values[known], words) / np.maximum(np.bincount(pair, minlength=words), 1)
    away, at = values[known] - mean[pair], owner[known] * words + numbers[known]
    sums = np.bincount(at, away, len(letters) * words).reshape(-1, words)
    lesser = np.flatnonzero(np.arange(words) < other)
    apart = sums[:, lesser] - sums[:, other[lesser]]
    error = apart.std(axis=0, ddof=1) / np.sqrt(len(letters)) if len(letters) > 1 else np.zeros(len(lesser))
    common = ((apart != 0).sum(axis=0) >= COMMON) & (error > 0)
    score = np.abs(apart.mean(axis=0)) / np.where(error > 0, error, 1.0)
    return round(float(score[common].max(initial=0.0)), 2)


def _placed(letters: Ragged, *, base: int) -> np.ndarray:
    """Return (places, base) float64 how often each letter stands at each place of sequences of the usual length; no place where they
    differ in length."""
    lengths = np.diff(letters.offsets)
    usual = int(np.median(lengths)) if len(lengths) else 0
    own = np.flatnonzero(lengths == usual)
    if len(own) < SAME * len(lengths) or usual < 2:
        return np.zeros((0, base))
    bare = (letters.take(own).values & BARE).reshape(len(own), usual)
    return np.stack([(bare == letter).sum(axis=0) for letter in range(base)], axis=1).astype(np.float64)


def place_bias(letters: Ragged, *, base: int) -> float:
    """Return how strongly letters depend on their place in sequences of one length (Cramér's V of letter and place, 0 to 1), 0 where
    lengths differ or where it is no more than chance."""
    counts = _placed(letters, base=base)
    whole, freedom = counts.sum(), base - 1
    if whole == 0:
        return 0.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / whole
    square = ((counts - expected) ** 2 / np.where(expected > 0, expected, 1.0)).sum()
    if square < CHANCE * freedom * (len(counts) - 1):
        return 0.0
    return round(float(np.sqrt(square / (whole * min(freedom, len(counts) - 1)))), 4)
