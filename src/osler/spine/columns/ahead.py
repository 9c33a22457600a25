"""Columns of one block of new cases after another, without a cache: the next block is read while the caller works on this one.

Kinds that read case by case are read in processes, once that is worth their start; columnar kinds are read in place. Memory holds
three blocks.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.errors import Refusal, RunError
from osler.spine.columns.shards import PAYS

BLOCK_BYTES = 64 << 20  # of the columns of a block
FEWEST, MOST = 64, 1 << 16  # cases of a block
UNKNOWN = 256  # entries that a ragged field is thought to have, to size a block
MOST_ON_GRID = 16  # cases of a block whose predictions are maps: what a killed run loses of its work is at most a block
LOOPED = 4096  # a kind whose shards hold no more cases than this reads them one by one
FIRST = 16  # cases that are read in place, to see how long a case takes

B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be read of one input: its cases, and how."""

    modality: Modality
    locators: Sequence[Any]
    reading: Mapping[str, Any]
    roles: frozenset[str]

    def __call__(self) -> Columns:
        """Read all of it in this process."""
        return self.modality.shard(self.locators, reading=dict(self.reading), roles=self.roles)

    def pieces(self, size: int) -> list[Asked]:
        """Return the same in parts of at most `size` cases; a columnar kind stays whole."""
        if self.modality.shard_cases > LOOPED or len(self.locators) <= size:
            return [self]
        return [replace(self, locators=self.locators[at : at + size]) for at in range(0, len(self.locators), size)]


def block_cases(modalities: Iterable[tuple[Modality, Mapping[str, Any]]]) -> int:
    """Return how many cases a block may have, so that its columns stay within BLOCK_BYTES; fewer where cases are read one by one,
    so that the next block is read while this one is worked on."""
    each, most = 1, MOST
    for modality, reading in modalities:
        most = min(most, LOOPED) if modality.shard_cases <= LOOPED else most
        each += _case_bytes(modality, reading)
    return max(FEWEST, min(most, BLOCK_BYTES // each))


def grid_cases(modalities: Iterable[tuple[Modality, Mapping[str, Any]]]) -> int:
    """Return how many cases a block may have whose predictions are maps: few, one of large volumes."""
    each = sum(_case_bytes(modality, reading) for modality, reading in modalities)
    return max(1, min(MOST_ON_GRID, BLOCK_BYTES // max(1, each)))


def _case_bytes(modality: Modality, reading: Mapping[str, Any]) -> int:
    from numpy import dtype

    each = 0
    for field in modality.fields(reading=reading):
        entries = 1
        for length in field.shape:
            entries *= UNKNOWN if length is None else length
        each += entries * dtype(field.dtype).itemsize
    return each


def read_ahead(blocks: Iterable[tuple[B, Mapping[str, Asked]]], *, workers: int) -> Iterator[tuple[B, dict[str, Columns]]]:
    """Yield each block with its columns by input, in order; raises RunError where a worker process dies.

    A thread fetches the next one, as parsing a table and reading its columns leave the interpreter to others.
    """
    items = _read_blocks(blocks, workers=workers)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, items, None)
        while (item := waiting.result()) is not None:
            waiting = pool.submit(next, items, None)
            yield item


def _read_blocks(blocks: Iterable[tuple[B, Mapping[str, Asked]]], *, workers: int) -> Iterator[tuple[B, dict[str, Columns]]]:
    from concurrent.futures.process import BrokenProcessPool

    reader: _Reader[B] = _Reader(workers)
    ahead: _Begun[B] | None = None
    try:
        for block, asked in blocks:
            begun = reader.begin(block, asked)
            if ahead is not None:
                yield ahead.finished()
                ahead = None
            if reader.pool is None:
                yield begun.finished()
            else:
                ahead = begun
        if ahead is not None:
            yield ahead.finished()
    except BrokenProcessPool:
        raise RunError("a worker process died while reading, often for lack of memory; run again") from None


@dataclass(frozen=True, slots=True)
class _Begun(Generic[B]):
    """A block of which each part is read already, or being read."""

    block: B
    parts: Mapping[str, Sequence[Columns | Future[Columns]]]

    def finished(self) -> tuple[B, dict[str, Columns]]:
        found = {name: [p.result() if isinstance(p, Future) else p for p in parts] for name, parts in self.parts.items()}
        return self.block, {name: _joined(parts) for name, parts in found.items()}


class _Reader(Generic[B]):
    """Reads in place until it has seen that processes pay."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.pool: Any = None
        self.seconds = 0.0

    def begin(self, block: B, asked: Mapping[str, Asked]) -> _Begun[B]:
        return _Begun(block, {name: self._parts(one) for name, one in asked.items()})

    def _parts(self, asked: Asked) -> list[Columns | Future[Columns]]:
        cases = len(asked.locators)
        if asked.modality.shard_cases > LOOPED or self.workers <= 1 or cases <= FIRST:
            return [asked()]
        if self.pool is not None:
            return self._submitted(asked)
        first, rest = (replace(asked, locators=part) for part in (asked.locators[:FIRST], asked.locators[FIRST:]))
        began = time.monotonic()
        seen = first()
        took = (time.monotonic() - began) * cases / FIRST
        self.seconds += took
        if self.seconds < PAYS:
            return [seen, rest()]
        from joblib.externals.loky import get_reusable_executor

        # loky: its workers neither fork a process with threads nor import the user's script
        self.pool = get_reusable_executor(max_workers=self.workers)
        return [seen, *self._submitted(rest)]

    def _submitted(self, asked: Asked) -> list[Columns | Future[Columns]]:
        size = min(asked.modality.cases_at_once(asked.reading), max(FIRST, -(-len(asked.locators) // (2 * self.workers))))
        return [self.pool.submit(_read, piece) for piece in asked.pieces(size)]


def _read(asked: Asked) -> Columns:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    return asked()


def _joined(parts: Sequence[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    refusals: dict[int, Refusal] = {}
    start = 0
    for part in parts:
        refusals |= {start + row: refusal for row, refusal in part.refusals.items()}
        start += len(part)
    return replace(Columns.joined(parts), refusals=refusals)
