"""What the classical model sees of a sequence: counts of k-mers, with and without gaps, by place where places matter.

Spectrum and gapped k-mers: Leslie et al. 2002 (Pac. Symp. Biocomput. 7:564); Ghandi et al. 2014 (doi:10.1371/journal.pcbi.1003711).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.core.features import Features
from osler.core.state import State
from osler.modalities.sequences.encode.words import base_of, spelled, strandless, tallied, word_numbers
from osler.modalities.sequences.gather import ragged


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


def baseline_features(columns: Columns, rows: np.ndarray, *, state: State) -> Features:
    """Return the length and the counts of `rows` (m, 1 + c); all NaN of an absent case."""
    letters = ragged(columns).take(rows)
    alphabet, joined = str(state.values["alphabet"]), bool(state.values["joined"])
    matrix = [np.diff(letters.offsets).astype(np.float32)[:, None]]
    names, kinds = ["length"], ["length"]
    for count in counts_of(state):
        words, found = _counted(letters, count, alphabet=alphabet, joined=joined)
        parts = [""] if count.bins == 1 else [f"@{part + 1}/{count.bins}" for part in range(count.bins)]
        names += [word + part for part in parts for word in words]
        kinds += [count.kind] * found.shape[1]
        matrix.append(found)
    whole = np.concatenate(matrix, axis=1)
    whole[~columns.present[rows]] = np.nan
    return Features(whole, np.arange(len(rows)), tuple(names), np.zeros(len(names), bool), kinds=tuple(kinds))


def _counted(letters: Ragged, count: Count, *, alphabet: str, joined: bool) -> tuple[list[str], np.ndarray]:
    """Return the words (w,) and their counts (n, bins × w)."""
    base, length = base_of(alphabet), len(count.places)
    numbers = word_numbers(letters, count.places, base=base)
    # words that are told apart by their place have a strand
    shared, kept = strandless(length) if joined and count.bins == 1 else (None, np.arange(base**length))
    found = tallied(letters, numbers, words=len(kept), bins=count.bins, map_to=shared)
    return spelled(count.places, kept.tolist(), alphabet=alphabet), found
