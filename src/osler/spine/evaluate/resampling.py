"""What is drawn again: groups, as counts of how often each draw holds each case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

How = Literal["bootstrap", "jackknife", "none"]
_CHUNK = 100_000_000  # counts (one byte each) handed out at once: measures sort the cases once per chunk
_DRAWN = 4_000_000  # numbers drawn at once: 32 MB


@dataclass(frozen=True, slots=True)
class Units:
    """The groups of the cases: `code` (n,) int64 from 0 to `size` - 1."""

    code: np.ndarray
    size: int

    @classmethod
    def of(cls, groups: np.ndarray | None, cases: int) -> Units:
        """Number the groups; without any, each case is its own."""
        if groups is None:
            return cls(np.arange(cases), cases)
        distinct, code = np.unique(groups, return_inverse=True)
        return cls(code.reshape(-1).astype(np.int64), len(distinct))

    @property
    def single(self) -> bool:
        """Whether every case is its own group."""
        return self.size == len(self.code)


def everyone(cases: int) -> np.ndarray:
    """Return counts (1, n) of the sample itself."""
    return np.ones((1, cases), np.uint8)


def bootstrap(units: Units, *, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield counts (r, n) uint8 of resamples, each of as many groups as there are, drawn with replacement."""
    generator = np.random.default_rng([seed, 0xB007])
    step = max(1, _CHUNK // max(1, len(units.code)))
    for start in range(0, resamples, step):
        yield _drawn(units, min(step, resamples - start), generator)


def _drawn(units: Units, resamples: int, generator: np.random.Generator) -> np.ndarray:
    counts = np.empty((resamples, units.size), np.uint8)
    step = max(1, _DRAWN // units.size)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        picked = generator.integers(0, units.size, size=(rows, units.size))
        picked += np.arange(rows)[:, None] * units.size
        times = np.bincount(picked.ravel(), minlength=rows * units.size).reshape(rows, units.size)
        counts[start : start + rows] = np.minimum(times, 255)  # no group is ever drawn so often
    return counts if units.single else counts[:, units.code]


def leave_one_out(units: Units) -> Iterator[np.ndarray]:
    """Yield counts (r, n) uint8 of the sample without each group in turn."""
    step = max(1, _CHUNK // max(1, len(units.code)))
    for start in range(0, units.size, step):
        left = np.arange(start, min(start + step, units.size))
        yield (units.code != left[:, None]).astype(np.uint8)
