"""What is drawn again: groups, as counts of how often each draw holds each case."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from osler.core.processors import processors
from osler.spine.evaluate.interval import FEW_GROUPS, LEAST_GROUPS

How = Literal["bootstrap", "jackknife", "none"]
PIECES = 4  # of very many counts, on every machine: their number is seen in the last digits of a slope
WORKERS = min(PIECES, processors())  # pieces measured side by side: each holds up to 100 MB
_CHUNK = 100_000_000  # counts (one byte each) handed out at once: measures sort the cases once per chunk
_DRAWN = 4_000_000  # numbers drawn at once: 32 MB
# From so many groups on, how often each is drawn is drawn by itself, from Poisson's distribution with mean one: the number drawn in all
# then varies by a share of 1 / sqrt(groups), of which no measure knows, as all are ratios (Chamandy et al. 2012). Five times as fast.
_BY_THEMSELVES = 100_000

Found = TypeVar("Found")


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


def drawn(units: Units, *, resamples: int, seed: int) -> tuple[How, Iterator[np.ndarray], int]:
    """Return how the groups are resampled, by their number, counts (r, n) of the resamples in pieces, and how many there are."""
    if units.size < LEAST_GROUPS:
        return "none", iter(()), 0
    if units.size < FEW_GROUPS:
        return "jackknife", leave_one_out(units), units.size
    return "bootstrap", bootstrap(units, resamples=resamples, seed=seed, parts=PIECES), resamples


def bootstrap(units: Units, *, resamples: int, seed: int, parts: int = 1) -> Iterator[np.ndarray]:
    """Yield counts (r, n) uint8 of resamples, each of as many groups as there are, drawn with replacement; in at least `parts`
    pieces where there are many counts. The pieces do not change what is drawn."""
    generator = np.random.default_rng([seed, 0xB007])
    cases = max(1, len(units.code))
    pieces = max(parts if 2 * resamples * cases > _CHUNK else 1, -(-resamples * cases // _CHUNK))
    step = max(1, -(-resamples // pieces))
    for start in range(0, resamples, step):
        yield _times(units, min(step, resamples - start), generator)


def _times(units: Units, resamples: int, generator: np.random.Generator) -> np.ndarray:
    if units.size >= _BY_THEMSELVES:
        counts = np.empty((resamples, units.size), np.uint8)
        for row in counts:
            np.take(_TIMES, generator.integers(0, 1 << 16, size=units.size, dtype=np.uint16), out=row)
        return counts if units.single else counts[:, units.code]
    counts = np.empty((resamples, units.size), np.uint8)
    step = max(1, _DRAWN // units.size)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        picked = generator.integers(0, units.size, size=(rows, units.size))
        picked += np.arange(rows)[:, None] * units.size
        times = np.bincount(picked.ravel(), minlength=rows * units.size).reshape(rows, units.size)
        counts[start : start + rows] = np.minimum(times, 255)  # no group is ever drawn so often
    return counts if units.single else counts[:, units.code]


def _poisson() -> np.ndarray:
    """Return (65536,) uint8 in which each number stands as often as Poisson's distribution with mean one has it."""
    chance = np.exp(-1.0) / np.cumprod(np.r_[1.0, np.arange(1.0, 12.0)])
    ends = np.rint(np.cumsum(chance) * (1 << 16)).astype(np.int64)
    return np.searchsorted(ends, np.arange(1 << 16), side="right").astype(np.uint8)


_TIMES = _poisson()


def leave_one_out(units: Units) -> Iterator[np.ndarray]:
    """Yield counts (r, n) uint8 of the sample without each group in turn."""
    step = max(1, _CHUNK // max(1, len(units.code)))
    for start in range(0, units.size, step):
        left = np.arange(start, min(start + step, units.size))
        yield (units.code != left[:, None]).astype(np.uint8)


def side_by_side(measured: Callable[[np.ndarray], Found], draws: Iterable[np.ndarray]) -> Iterator[Found]:
    """Yield `measured` of each piece of the resamples, in their order, worked out in threads: as many pieces as there are workers
    are held at once."""
    waiting: deque[Future[Found]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool, threadpool_limits(1 if WORKERS > 1 else None, "blas"):
        for counts in draws:
            waiting.append(pool.submit(measured, counts))
            if len(waiting) >= WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def notes(units: Units, *, known: bool, how: str, resamples: int) -> tuple[str, ...]:
    """Return what must be known of intervals before they are quoted; `known` says whether groups are."""
    told = ["Intervals are 95% and hold for this trained model: another training on other cases would add to them."]
    if not known:
        told.append("No group column is known: where cases share a patient, the intervals are too narrow.")
    if how == "none":
        told.append(f"{units.size} groups are too few for intervals; at least {LEAST_GROUPS} are needed.")
    if how == "jackknife":
        told.append(f"With {units.size} groups, intervals come from leaving out each group in turn (Student's t).")
    if how == "bootstrap":
        told.append(f"Intervals come from {resamples} resamples of {units.size} {'groups' if known else 'cases'}.")
    return tuple(told)
