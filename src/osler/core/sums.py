"""Sums over cases, of many resamples at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_AT_ONCE = 4_000_000  # numbers turned to floats at once: 16 or 32 MB
_SMALL = 15  # whole numbers up to it are held in one byte, and their sums over a block are exact in single precision
_MANY = 100_000  # cases from which the spread over resamples needs no more digits than single precision has


@dataclass(frozen=True, slots=True)
class Sums:
    """Measures that need nothing but sums over cases, so that many views are added up in one pass.

    `columns` gives (n, c) from statistics (n, s); `measures` each measure (r,) from the sums (r, c); `more`, where there is
    something that needs more than sums, further measures (r,) from the statistics and counts (r, n).
    """

    columns: Callable[[np.ndarray], np.ndarray]
    measures: Callable[[np.ndarray], dict[str, np.ndarray]]
    more: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]] | None = None

    def of(self, statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Return each measure (r,) of resamples `counts` (r, n) of cases with `statistics` (n, s)."""
        return self.with_more(added(counts, [compact(self.columns(statistics))])[0], statistics, counts)

    def with_more(self, sums: np.ndarray, statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
        """Return each measure (r,), of which `sums` (r, c) are known."""
        found = self.measures(sums)
        return found if self.more is None else {**found, **self.more(statistics, counts)}


def compact(columns: np.ndarray) -> np.ndarray:
    """Return `columns` (n, c) in one byte each where all are small whole numbers, else as they are."""
    if columns.dtype == bool:
        return columns.view(np.uint8)
    small = not len(columns) or bool(columns.min() >= 0 and columns.max() <= _SMALL)
    if not small:
        return columns
    whole = columns.astype(np.uint8)
    return whole if bool((whole == columns).all()) else columns


def added(counts: np.ndarray, columns: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the sums (r, c) float64 of each of `columns` (n, c) in resamples `counts` (r, n).

    Small whole numbers are added exactly, whatever the precision; the others in double precision, of many resamples of very many
    cases in single precision, block by block.
    """
    resamples, cases = counts.shape
    coarse = resamples > 1 and cases >= _MANY
    kinds = [np.float32 if coarse or one.dtype == np.uint8 else np.float64 for one in columns]
    sums = [np.zeros((resamples, one.shape[1])) for one in columns]
    step = max(1, _AT_ONCE // max([resamples, *(one.shape[1] for one in columns)]))
    for start in range(0, cases, step):
        block = slice(start, start + step)
        weights = {kind: counts[:, block].astype(kind) for kind in set(kinds)}
        for at, (one, kind) in enumerate(zip(columns, kinds, strict=True)):
            sums[at] += weights[kind] @ one[block].astype(kind, copy=False)
    return sums
