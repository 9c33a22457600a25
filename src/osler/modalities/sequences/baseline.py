"""What the classical model sees of a sequence: counts of k-mers, with and without gaps, by place where places matter.

Spectrum and gapped k-mers: Leslie et al. 2002 (Pac. Symp. Biocomput. 7:564); Ghandi et al. 2014 (doi:10.1371/journal.pcbi.1003711).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.core.features import Features
from osler.core.state import State
from osler.modalities.sequences.case import BARE, TRACK
from osler.modalities.sequences.encode.words import base_of, opposite, spelled, strandless, tallied, word_numbers
from osler.modalities.sequences.gather import blocks, ragged, track
from osler.modalities.sequences.read.alphabet import BASES


# Under 1,000 columns in all: boosting and the linear model take their time in proportion, and 6-mers alone are 2,080.
@dataclass(frozen=True, slots=True)
class Count:
    """Words with letters at `places`, counted in each of `bins` equal parts of a sequence."""

    places: tuple[int, ...]
    bins: int = 1

    @property
    def kind(self) -> str:
        """What the report tells their contributions together as."""
        if self.bins > 1:
            return "k-mers by place"
        return "k-mers" if self.places == tuple(range(len(self.places))) else "gapped k-mers"


def _mers(most: int) -> tuple[Count, ...]:
    return tuple(Count(tuple(range(length))) for length in range(1, most + 1))


_PAIRS = tuple(Count((0, 1, gap + 2, gap + 3)) for gap in (1, 2))


def counts_of(state: State) -> tuple[Count, ...]:
    """Return what is counted by the state's `alphabet`, `joined` and `parts`."""
    parts = int(state.values["parts"])
    if state.values["alphabet"] == "protein":
        return (*_mers(2), *((Count((0,), min(parts, 25)),) if parts else (Count((0, 2)),)))
    placed = (Count((0,), parts), Count((0, 1), max(2, min(12, parts // 4)))) if parts else ()
    most = 4 if placed or not state.values["joined"] else 5
    return (*_mers(most), *(placed or _PAIRS))


REACH = 15  # letters to either side that are told one by one
ABOUT = (10, 50)  # letters to either side over which shares of letters are taken, and
PAIRED = 25  # of nucleotides shares of pairs
PLACES = 1 << 18  # of all sequences together in training: more change little


def place_features(
    columns: Columns, rows: np.ndarray, *, state: State, generator: np.random.Generator | None
) -> Features:  # fmt: skip
    """Return of single letters of the sequences `rows` (m, f) the letters about each, shares of letters and of pairs in wider windows, and
    how far the ends are. With a `generator` of a sample of the letters whose target is known, each as likely, where either strand
    tells the same half of them as the other strand shows them; else of all, as they are written."""
    alphabet = str(state.values["alphabet"])
    letters = ragged(columns).take(rows)
    flat = np.arange(len(letters.values))
    if generator is not None:
        flat = np.flatnonzero(~np.isnan(track(columns).take(rows).values)) if TRACK in columns.arrays else flat
        flat = flat if len(flat) <= PLACES else np.sort(generator.choice(flat, PLACES, replace=False))
    names, categorical = _place_columns(alphabet)
    owner = np.searchsorted(letters.offsets, flat, side="right") - 1
    matrix = np.empty((len(flat), len(names)), np.float32)
    for at, values in enumerate(_about(letters, flat, owner, alphabet=alphabet)):
        matrix[:, at] = values
    if generator is not None and state.values["joined"]:
        turned = generator.random(len(flat)) < 0.5
        matrix[turned] = _turned(matrix[turned])
    return Features(matrix, owner, names, categorical, flat - letters.offsets[owner])


def _turned(matrix: np.ndarray) -> np.ndarray:
    """Return features (m, f) of letters of DNA as the other strand shows them."""
    about, shares = 2 * REACH + 1, len(ABOUT) * BASES
    order = np.arange(matrix.shape[1])
    order[:about] = order[:about][::-1]
    order[about : about + shares] = order[about : about + shares].reshape(-1, BASES)[:, ::-1].ravel()
    pairs = about + shares + np.arange(BASES**2)
    order[pairs] = pairs[opposite(2)]
    order[-2:] = order[-2:][::-1]
    found = np.array(matrix[:, order])
    found[:, :about] = BASES - 1 - found[:, :about]
    return found


def _place_columns(alphabet: str) -> tuple[tuple[str, ...], np.ndarray]:
    base = base_of(alphabet)
    here = [f"letter {away:+d}" if away else "letter" for away in range(-REACH, REACH + 1)]
    single = spelled((0,), range(base), alphabet=alphabet)
    shares = [f"{letter} within {reach}" for reach in ABOUT for letter in single]
    pairs = [f"{pair} within {PAIRED}" for pair in spelled((0, 1), range(base**2), alphabet=alphabet)] if base == BASES else []
    names = (*here, *shares, *pairs, "letters before", "letters behind")
    return names, np.arange(len(names)) < len(here)


def _about(letters: Ragged, flat: np.ndarray, owner: np.ndarray, *, alphabet: str) -> Iterator[np.ndarray]:
    """Yield (m,) column by column."""
    base, bare = base_of(alphabet), letters.values & BARE
    first, last = letters.offsets[:-1][owner], letters.offsets[1:][owner]
    for away in range(-REACH, REACH + 1):
        at = flat + away
        inside = (at >= first) & (at < last)
        code = bare[np.where(inside, at, 0)] if len(bare) else np.empty(0, np.uint8)
        yield np.where(inside & (code < base), code, np.nan)
    for reach in ABOUT:
        yield from _shares(bare, range(base), (np.maximum(first, flat - reach), np.minimum(last, flat + reach + 1)))
    if base == BASES:
        pairs = word_numbers(letters, (0, 1), base=base)
        yield from _shares(pairs, range(base**2), (np.maximum(first, flat - PAIRED), np.minimum(last, flat + PAIRED + 1) - 1))
    yield flat - first
    yield last - flat - 1


def _shares(numbers: np.ndarray, kinds: Iterable[int], ends: tuple[np.ndarray, np.ndarray]) -> Iterator[np.ndarray]:
    """Yield (m,) the share of each of `kinds` among `numbers` from the first to the second of `ends` (m,)."""
    for kind in kinds:
        sums = np.concatenate([[0], np.cumsum(numbers == kind)])
        yield (sums[ends[1]] - sums[ends[0]]) / np.maximum(ends[1] - ends[0], 1)


def baseline_features(columns: Columns, rows: np.ndarray, *, state: State) -> Features:
    """Return the length and the counts of `rows` (m, 1 + c); all NaN of an absent case."""
    whole, lengths = ragged(columns), np.diff(ragged(columns).offsets)[rows]
    alphabet, joined = str(state.values["alphabet"]), bool(state.values["joined"])
    names, kinds = _columns(state, alphabet=alphabet, joined=joined)
    matrix = np.empty((len(rows), len(names)), np.float32)
    matrix[:, 0] = lengths
    for start, stop in blocks(lengths):
        letters = whole.take(rows[start:stop])
        counts = [_counted(letters, count, alphabet=alphabet, joined=joined) for count in counts_of(state)]
        matrix[start:stop, 1:] = np.concatenate(counts, axis=1)
    matrix[~columns.present[rows]] = np.nan
    return Features(matrix, np.arange(len(rows)), names, np.zeros(len(names), bool), kinds=kinds)


def _columns(state: State, *, alphabet: str, joined: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the features, and what they are told together as."""
    names, kinds = ["length"], ["length"]
    for count in counts_of(state):
        _, kept = _words(count, base=base_of(alphabet), joined=joined)
        words = spelled(count.places, kept.tolist(), alphabet=alphabet)
        parts = [""] if count.bins == 1 else [f"@{part + 1}/{count.bins}" for part in range(count.bins)]
        names += [word + part for part in parts for word in words]
        kinds += [count.kind] * (len(parts) * len(words))
    return tuple(names), tuple(kinds)


def _words(count: Count, *, base: int, joined: bool) -> tuple[np.ndarray | None, np.ndarray]:
    """Return under which number each word is counted, None for its own, and the words that are."""
    length = len(count.places)
    # words that are told apart by their place have a strand
    return strandless(length) if joined and count.bins == 1 else (None, np.arange(base**length))


def _counted(letters: Ragged, count: Count, *, alphabet: str, joined: bool) -> np.ndarray:
    """Return the counts (n, bins × words)."""
    base = base_of(alphabet)
    shared, kept = _words(count, base=base, joined=joined)
    numbers = word_numbers(letters, count.places, base=base)
    return tallied(letters, numbers, words=len(kept), bins=count.bins, map_to=shared)
