"""Some events of a store, such as all admissions, asked for many cases at once."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osler.modalities.timelines.case import ALWAYS
from osler.modalities.timelines.read.store import Store

NEVER = np.iinfo(np.int64).max
_AT_ONCE = 1 << 22  # events whose codes are looked up at a time: 4 MB of answers


@dataclass(frozen=True, slots=True)
class Marks:
    """The marked events: `times` (m,) and `values` (m,), those of a subject behind one another and ascending in time; `starts`
    (s + 1,) where those of each subject of the store begin."""

    times: np.ndarray
    values: np.ndarray
    starts: np.ndarray

    def where(self, kept: np.ndarray) -> Marks:
        """Return the marks that `kept` (m,) bool keeps."""
        places = np.flatnonzero(kept)
        return Marks(self.times[places], self.values[places], np.searchsorted(places, self.starts))

    def owners(self) -> np.ndarray:
        """Return (m,) the place of each mark's subject."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def ranges(self, who: np.ndarray, start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return from which mark to which (exclusive) those of subjects `who` (n,) lie in (start, stop]."""
        low, high = self.starts[who], self.starts[who + 1]
        first = _later(self.times, low, high, start)
        return first, np.maximum(first, _later(self.times, first, high, stop))

    def within(self, who: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """Return (n,) whether subjects `who` have a mark in (start, stop]."""
        low, high = self.ranges(who, start, stop)
        return low < high

    def until(self, who: np.ndarray, when: np.ndarray) -> np.ndarray:
        """Return (n,) whether subjects `who` have a mark at or before `when`, those known at any time among them."""
        return self.starts[who] < _later(self.times, self.starts[who], self.starts[who + 1], when)

    def following(self, who: np.ndarray, when: np.ndarray) -> np.ndarray:
        """Return (n,) the time of the first mark of subjects `who` after `when`, NEVER where there is none."""
        high = self.starts[who + 1]
        place = _later(self.times, self.starts[who], high, when)
        return self._at(place, there=place < high)

    def first(self) -> np.ndarray:
        """Return (s,) the time of each subject's first mark, NEVER where there is none."""
        return self._at(self.starts[:-1], there=self.starts[:-1] < self.starts[1:])

    def _at(self, place: np.ndarray, *, there: np.ndarray) -> np.ndarray:
        found = np.full(len(place), NEVER)
        found[there] = self.times[place[there]]
        return found


def flags(names: Sequence[str], patterns: Sequence[str]) -> np.ndarray:
    """Return (c,) bool which of the codes `names` are meant by one of `patterns`: by a code as it stands, else by `*` and `?`."""
    known = {name: place for place, name in enumerate(names)}
    found = np.zeros(len(names), bool)
    for pattern in patterns:
        matched = [pattern] if pattern in known else fnmatch.filter(names, pattern)
        found[[known[name] for name in matched]] = True
    return found


def marked(store: Store, wanted: np.ndarray) -> Marks:
    """Return the events of `store` whose code is `wanted` (c,) bool."""
    if not wanted.any():
        nothing = np.zeros(len(store.subjects) + 1, np.int64)
        return Marks(np.empty(0, np.int64), np.empty(0, np.float32), nothing)
    parts = [
        start + np.flatnonzero(wanted[store.codes[start : start + _AT_ONCE]]) for start in range(0, len(store.codes), _AT_ONCE)
    ]
    places = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return Marks(np.asarray(store.times[places]), np.asarray(store.values[places]), np.searchsorted(places, store.offsets))


def timed(marks: Marks) -> Marks:
    """Return the marks that have a time, and of several of a subject at one time the first."""
    owners = marks.owners()
    same = np.zeros(len(owners), bool)
    same[1:] = (owners[1:] == owners[:-1]) & (marks.times[1:] == marks.times[:-1])
    return marks.where((marks.times != ALWAYS) & ~same)


def _later(times: np.ndarray, low: np.ndarray, high: np.ndarray, when: np.ndarray) -> np.ndarray:
    """Return (n,) the first place in [low, high) whose time is later than `when`, else `high`: bisection, all cases abreast."""
    low, high = low.astype(np.int64), high.astype(np.int64)
    while (open_ := np.flatnonzero(low < high)).size:
        middle = (low[open_] + high[open_]) // 2
        later = times[middle] > when[open_]
        high[open_] = np.where(later, middle, high[open_])
        low[open_] = np.where(later, low[open_], middle + 1)
    return low
