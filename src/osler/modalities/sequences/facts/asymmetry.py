"""Whether a sequence's strand, and a letter's place in it, have a meaning: from the sequences alone."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Ragged
from osler.modalities.sequences.case import BARE
from osler.modalities.sequences.encode.words import opposite, tallied, word_numbers
from osler.modalities.sequences.read.alphabet import BASES

LENGTH = 4  # of the words that are compared with their reverse complements
SAME = 0.95  # of the sequences that are as long as the usual one, before places can be compared
CHANCE = 20.0  # mean χ² of a place on 3 degrees of freedom, below which nothing is seen


def strand_bias(letters: Ragged) -> float:
    """Return how far, in standard errors, the 4-mer that differs most from its reverse complement does: their counts in each sequence are
    compared, and chance alone gives about 3 of 120 pairs."""
    count = len(letters)
    if count < 2:
        return 0.0
    numbers = word_numbers(letters, range(LENGTH), base=BASES)
    counts = tallied(letters, numbers, words=BASES**LENGTH)
    other = opposite(LENGTH)
    pairs = np.flatnonzero(np.arange(len(other)) < other)
    away = counts[:, pairs] - counts[:, other[pairs]]
    error = away.std(axis=0, ddof=1) / np.sqrt(count)
    # a word that a handful of sequences hold makes no rule
    common = (away != 0).sum(axis=0) >= LENGTH**2
    score = np.abs(away.mean(axis=0)) / np.where(error > 0, error, 1.0)
    return round(float(score[common & (error > 0)].max(initial=0.0)), 2)


def place_bias(letters: Ragged, *, base: int) -> float:
    """Return how strongly letters depend on their place in sequences of one length (Cramér's V of letter and place, 0 to 1), 0 where
    lengths differ or where it is no more than chance."""
    lengths = np.diff(letters.offsets)
    if not len(lengths):
        return 0.0
    usual = int(np.median(lengths))
    own = np.flatnonzero(lengths == usual)
    if len(own) < SAME * len(lengths) or usual < 2:
        return 0.0
    bare = (letters.take(own).values & BARE).reshape(len(own), usual)
    counts = np.stack([(bare == letter).sum(axis=0) for letter in range(base)], axis=1).astype(np.float64)
    whole = counts.sum()
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / max(whole, 1.0)
    square = ((counts - expected) ** 2 / np.where(expected > 0, expected, 1.0)).sum() / (usual - 1)
    freedom = base - 1
    if square < CHANCE * freedom / (BASES - 1):
        return 0.0
    return round(float(np.sqrt(square / (len(own) * freedom))), 4)
