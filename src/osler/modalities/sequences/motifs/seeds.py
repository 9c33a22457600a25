"""Words from which motifs grow: short stretches that carry attribution, or that one class has more often than the other."""

from __future__ import annotations

import numpy as np

LONG = {4: 7, 20: 3}  # letters of a word, by how many kinds there are: some ten thousand words
SHARP = 0.85  # frequency of a word's letters in the matrix that starts from it


def words_of(letters: np.ndarray, *, strands: bool) -> np.ndarray:
    """Return the number of the word that starts in each place (n, length - long + 1) of `letters` (n, kinds, length), -1 where a letter is
    none of the kinds alone. With `strands` a word and its reverse complement have one number, the smaller."""
    kinds = letters.shape[1]
    long = LONG[kinds]
    codes = np.where(letters.max(1) == 1, letters.argmax(1), -1)
    seen = np.lib.stride_tricks.sliding_window_view(codes, long, axis=1)
    powers = kinds ** np.arange(long - 1, -1, -1)
    word = seen @ powers
    if strands:
        word = np.minimum(word, (kinds - 1 - seen) @ powers[::-1])
    return np.where((seen >= 0).all(2), word, -1)


def weighed(words: np.ndarray, weights: np.ndarray, *, kinds: int) -> np.ndarray:
    """Return by word the sum of its `weights`, over windows (m, places) the largest of each window once."""
    total = np.zeros(kinds ** LONG[kinds])
    order = np.lexsort((-weights.ravel(), words.ravel(), np.repeat(np.arange(len(words)), words.shape[1])))
    window, word = np.repeat(np.arange(len(words)), words.shape[1])[order], words.ravel()[order]
    first = np.ones(len(order), bool)
    first[1:] = (window[1:] != window[:-1]) | (word[1:] != word[:-1])
    first &= word >= 0
    np.add.at(total, word[first], weights.ravel()[order][first])
    return total


def richer(words: np.ndarray, others: np.ndarray, *, kinds: int) -> np.ndarray:
    """Return by word how surely more sequences of `words` hold it than of `others`: the z of two proportions."""
    ones = [weighed(part, np.ones(part.shape), kinds=kinds) for part in (words, others)]
    sizes = [max(1, len(words)), max(1, len(others))]
    pooled = (ones[0] + ones[1] + 1) / (sum(sizes) + 2)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1]))
    return np.asarray((ones[0] / sizes[0] - ones[1] / sizes[1]) / spread)


def matrix_of(word: int, *, kinds: int) -> np.ndarray:
    """Return the frequencies (kinds, long) of a word's matrix."""
    long = LONG[kinds]
    codes = [(word // kinds**power) % kinds for power in range(long - 1, -1, -1)]
    matrix = np.full((kinds, long), (1 - SHARP) / (kinds - 1))
    matrix[codes, np.arange(long)] = SHARP
    return matrix


def unlike(order: np.ndarray, *, count: int, kinds: int) -> list[int]:
    """Return the first `count` words of `order` of which none is another moved by one place."""
    kept: list[int] = []
    inner = kinds ** (LONG[kinds] - 1)
    for word in order.tolist():
        if all(word % inner != other // kinds and word // kinds != other % inner for other in kept):
            kept.append(word)
        if len(kept) == count:
            break
    return kept
