"""From events to fields: the times, codes and values of each case until its prediction time, behind one another.

No Python runs per case or per event: cases are found by binary search side by side, events are taken by index.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.core.columns import Columns, Field, Ragged, Words
from osler.core.duration import UNITS, duration
from osler.core.errors import Refusal
from osler.core.hashing import bag_fingerprints, word_hash, word_hashes
from osler.modalities.timelines.case import AGE, ALWAYS, BIRTH, CODES, DAY, TIMES, VALUES, CaseRows, Timeline
from osler.modalities.timelines.read.locate import MOMENT, own, places, store_of
from osler.modalities.timelines.read.store import Store
from osler.modalities.timelines.read.values import Recipe, recipe

NAMES = (TIMES, CODES, VALUES)
EVENTS = 1 << 21  # taken from the store at once


def fields() -> tuple[Field, ...]:
    """Return `times`, `codes` and `values`, ragged: one entry per event."""
    return (Field(TIMES, "float32", (None,)), Field(CODES, "int64", (None,)), Field(VALUES, "float32", (None,)))


def encode(case: Timeline, *, roles: frozenset[str]) -> dict[str, np.ndarray]:
    """Return one case's arrays (e,)."""
    if "input" not in roles:
        return {}
    return {
        TIMES: np.asarray(case.times, np.float32),
        CODES: word_hashes(case.codes),
        VALUES: np.asarray(case.values, np.float32),
    }


def fingerprint(case: Timeline) -> tuple[int, int]:
    """Return a 128-bit hash of the events of a case, whatever their order; a masked value is as good as none."""
    arrays = encode(case, roles=frozenset({"input"}))
    found = _fingerprints(arrays[TIMES], arrays[CODES], arrays[VALUES], offsets=np.array([0, len(case.times)]))
    return int(found[0, 0]), int(found[0, 1])


def _fingerprints(times: np.ndarray, codes: np.ndarray, values: np.ndarray, *, offsets: np.ndarray) -> np.ndarray:
    return bag_fingerprints([times[:, None], codes[:, None], values[:, None]], names=NAMES, offsets=offsets)


def shard(locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
    """Return the columns of many cases. A case without events until its prediction time is absent; one whose index time cannot be
    read is absent and has its refusal."""
    rows = own(locators)
    store = store_of(rows)
    how = recipe(store, reading=reading)
    cases = _cases(rows, store, reading=reading)
    wanted = tuple(f for f in fields() if f.role in roles)
    parts = [_part(some, store, how, wanted=wanted) for some in cases.blocks()]
    refusals = {
        row - rows.start: Refusal(MOMENT, why, rows.column) for row, why in rows.refused.items() if rows.start <= row < rows.stop
    }
    return replace(parts[0] if len(parts) == 1 else Columns.joined(parts), refusals=refusals)


def _part(cases: _Cases, store: Store, how: Recipe, *, wanted: tuple[Field, ...]) -> Columns:
    times, codes, values, offsets, words = _events(cases, store, how)
    present = np.diff(offsets) > 0
    prints = _fingerprints(times, codes, values, offsets=offsets)
    prints[~present] = 0
    arrays = {TIMES: Ragged(times, offsets), CODES: Ragged(codes, offsets), VALUES: Ragged(values, offsets)}
    return Columns(wanted, {f.name: arrays[f.name] for f in wanted}, present, prints, {}, words)


@dataclass(frozen=True, slots=True)
class _Cases:
    """Per case (n,): events known at any time lie in [`head`, `first`) of the store, those that are looked at in [`start`,
    `stop`); `until` is the prediction time and `born` the time of birth in microseconds, ALWAYS where there is none."""

    head: np.ndarray
    first: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    until: np.ndarray
    born: np.ndarray

    def blocks(self) -> Iterator[_Cases]:
        """Yield the cases in runs of about EVENTS events, so that the memory of intermediate arrays is bounded."""
        total = np.cumsum(self.first - self.head + self.stop - self.start)
        marks = np.arange(EVENTS, total[-1] if len(total) else 0, EVENTS)
        edges = np.unique([0, *np.searchsorted(total, marks, side="right"), len(total)]) if len(total) else np.array([0, 0])
        for begin, end in itertools.pairwise(edges.tolist()):
            yield _Cases(*(getattr(self, f.name)[begin:end] for f in dataclasses.fields(self)))


def _cases(rows: CaseRows, store: Store, *, reading: Mapping[str, Any]) -> _Cases:
    at, there = places(store, rows.keys[rows.start : rows.stop])
    after = duration(reading["after"], of="after") if reading.get("after") else 0
    window = duration(reading["window"], of="window") if reading.get("window") else None
    begin, end = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
    born = np.full(len(at), ALWAYS)
    begin[there], end[there] = store.offsets[at[there]], store.offsets[at[there] + 1]
    born[there] = store.births[at[there]]
    first = _after(store.times, begin, end, np.full(len(at), ALWAYS))
    until = _until(rows, store, first=first, end=end, after=after, by_last=not reading.get("after"))
    known = until != ALWAYS
    stop = np.where(known, _after(store.times, first, end, until), first)
    start = first
    if window is not None:  # an event exactly as long ago as the window is in it
        start = np.minimum(_after(store.times, first, end, np.where(known, until, 0) - window - 1), stop)
    head = np.where(known, begin, first)  # a case without a prediction time has no events at all
    born = np.where(known & (born <= until), born, ALWAYS)
    return _Cases(head, first, start, stop, until, born)


def _until(rows: CaseRows, store: Store, *, first: np.ndarray, end: np.ndarray, after: int, by_last: bool) -> np.ndarray:
    """Return the prediction times. Without any given, that of the last event; a case of timeless events alone has time 0."""
    if rows.moments is not None:
        moments = rows.moments[rows.start : rows.stop]
        return np.where(moments == ALWAYS, ALWAYS, moments + after)
    if not by_last:
        return np.full(len(first), after)
    last = np.zeros(len(first), np.int64)
    any_timed = end > first
    last[any_timed] = store.times[end[any_timed] - 1]
    return last


def _after(times: np.ndarray, begin: np.ndarray, end: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """Return for each case the place of its first event later than `moment`, by binary search in [begin, end) of all at once."""
    low, high = begin.copy(), end.copy()
    while (open_ := low < high).any():
        middle = (low + high) // 2
        later = np.zeros(len(low), bool)
        later[open_] = times[middle[open_]] > moment[open_]
        high = np.where(open_ & later, middle, high)
        low = np.where(open_ & ~later, middle + 1, low)
    return low


def _events(cases: _Cases, store: Store, how: Recipe) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, Words]:
    """Return times, codes, values (e,), offsets (n + 1,) and the words of the codes that occur."""
    n = len(cases.head)
    spans = np.stack([cases.first - cases.head, cases.stop - cases.start], axis=1).ravel()
    index = _ranges(np.stack([cases.head, cases.start], axis=1).ravel(), spans)
    case = np.repeat(np.repeat(np.arange(n), 2), spans)
    place, at = store.codes[index], store.times[index]
    if BIRTH in store.names:
        kept = place != store.names.index(BIRTH)
        index, case, place, at = index[kept], case[kept], place[kept], at[kept]
    codes, values = how.applied(place, store.values[index], store.units[index])
    times = _days(at, case, cases)
    aged = np.flatnonzero(cases.born != ALWAYS)
    counts = np.bincount(case, minlength=n)
    ends = np.cumsum(counts)[aged]  # AGE stands last, at the prediction time
    years = (cases.until[aged] - cases.born[aged]) / UNITS["y"]
    times, codes = np.insert(times, ends, 0), np.insert(codes, ends, word_hash(AGE))
    values = _inserted(values, ends, how.aged(years))
    counts[aged] += 1
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return times, codes, values, offsets, _words(codes, place, store, how)


def _inserted(values: np.ndarray, at: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return values with `new` put in, as bits, for the payload of a NaN must not be lost."""
    return np.insert(values.view(np.uint32), at, new.view(np.uint32)).view(np.float32)


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the integers of [start, start + length) of each, behind one another."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)


def _days(at: np.ndarray, case: np.ndarray, cases: _Cases) -> np.ndarray:
    """Return days from the prediction time; what is known at any time stands with the case's first event, at 0 where there is none."""
    begin = _first(at, case, otherwise=cases.until)
    whole = np.where(at == ALWAYS, begin[case], at) - cases.until[case]
    return (whole / DAY).astype(np.float32) + np.float32(0.0)  # no −0.0


def _first(at: np.ndarray, case: np.ndarray, *, otherwise: np.ndarray) -> np.ndarray:
    """Return (n,) the earliest time of each case's events that have one."""
    found = otherwise.copy()
    known = np.flatnonzero(at != ALWAYS)[::-1]
    found[case[known]] = at[known]  # events ascend, so that the first overwrites the later
    return found


def _words(codes: np.ndarray, place: np.ndarray, store: Store, how: Recipe) -> Words:
    used = np.unique(place) if len(place) < len(store.names) else np.flatnonzero(np.bincount(place, minlength=len(store.names)))
    known = {int(store.hashes[c]): store.names[c] for c in used} | dict(how.words)
    keys = np.array(sorted(known), np.int64)
    there = np.isin(keys, codes)
    texts = np.empty(len(keys), object)
    texts[:] = [known[k] for k in keys.tolist()]
    return Words(keys[there], texts[there])
