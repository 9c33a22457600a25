"""Where in sequences a network finds something: windows whose attributions together are larger than chance has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WINDOW = 9  # places summed: about what one factor touches
APART = 18  # places between two peaks of one sequence
MOST = 4  # peaks of one sequence
RATE = 0.05  # of peaks, the share that chance may have given
HALF = 25  # places left and right of a peak that are looked at: a motif and what is beside it


@dataclass(frozen=True, slots=True)
class Peaks:
    """Peaks by `case` (m,) and middle `place` (m,), with the `sums` (m,) of attributions around them, largest first."""

    case: np.ndarray
    place: np.ndarray
    sums: np.ndarray

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.case)


def find_peaks(attributions: np.ndarray, *, generator: np.random.Generator, rate: float = RATE) -> Peaks:
    """Return where `attributions` (n, length), NaN behind the end of shorter sequences, are large and positive.

    What chance gives is measured on the same attributions, shuffled within each sequence: the threshold is the lowest above which at most
    `rate` as many shuffled peaks lie as real ones.
    """
    case, place, sums = _highest(attributions)
    order = np.argsort(-sums, kind="stable")
    case, place, sums = case[order], place[order], sums[order]
    chance = np.sort(_highest(_shuffled(attributions, generator))[2])
    above = len(chance) - np.searchsorted(chance, sums, side="left")
    good = np.flatnonzero((above <= rate * np.arange(1, len(sums) + 1)) & (sums > 0))
    kept = slice(0, int(good[-1]) + 1 if len(good) else 0)
    return Peaks(case[kept], place[kept], sums[kept])


def windows_of(letters: np.ndarray, peaks: Peaks) -> np.ndarray:
    """Return what lies around each peak (m, kinds, 2 · HALF + 1) of `letters` (n, kinds, length); zeros beyond the ends."""
    padded = np.pad(letters, ((0, 0), (0, 0), (HALF, HALF)))
    columns = peaks.place[:, None] + np.arange(2 * HALF + 1)
    return np.ascontiguousarray(padded[peaks.case[:, None], :, columns].transpose(0, 2, 1))


def _shuffled(attributions: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    keys = np.where(np.isnan(attributions), np.inf, generator.random(attributions.shape))
    return np.take_along_axis(attributions, np.argsort(keys, axis=1), axis=1)


def _highest(attributions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return case, middle and sum of the highest windows of each sequence, none nearer to another than APART."""
    wide = min(WINDOW, attributions.shape[1])
    padded = np.pad(np.cumsum(np.nan_to_num(attributions), axis=1), ((0, 0), (1, 0)))
    sums = padded[:, wide:] - padded[:, :-wide]
    sums[np.isnan(attributions)[:, wide - 1 :]] = -np.inf
    rows, places = np.arange(len(sums)), np.arange(sums.shape[1])
    found = []
    for _ in range(MOST):
        at = sums.argmax(1)
        value = sums[rows, at]
        found.append((rows, at + wide // 2, value))
        sums = np.where(np.abs(places - at[:, None]) < APART, -np.inf, sums)
    case, place, value = (np.concatenate(part) for part in zip(*found, strict=True))
    there = np.isfinite(value)
    return case[there], place[there], value[there]
