"""How events are read: how far back, in which units, and what cannot be. From the whole source, never from labels.

A plan travels with a bundle, so it names only codes that at least five subjects share, or that public data sets share;
the rest is counted together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from osler.core.errors import StudyError, did_you_mean
from osler.core.plan import Decision
from osler.modalities.timelines.case import AGE
from osler.modalities.timelines.read.limits import limits_of, public_name, rule_of
from osler.modalities.timelines.read.locate import own, store_of
from osler.modalities.timelines.read.options import Options, checked
from osler.modalities.timelines.read.store import Store
from osler.modalities.timelines.read.units import canonical, conversion, public_unit
from osler.modalities.timelines.read.values import CHUNK, Recipe, apart, pair_counts, recipe

FEWEST = 5  # subjects that share a code, before a plan may name it
MOST_CODES = 5_000  # codes that a plan names of 10^5: the most frequent ones
SAMPLE = 20_000  # values of a code by which a limit is judged
OTHERS = "codes, or units, of fewer than 5 subjects"


def reading(locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
    """Return the reading decisions; raises StudyError for settings that cannot be.

    `after` and `window` (durations in words, "" where none), `units` {code: unit} that all values of a code are brought to,
    `limits` {code: [low, high]} of what can be; and what was found: `converted` {code: {unit: events}}, `apart` {"code [unit]":
    events}, `unitless` {code: events}, `masked` {code: events}, `refused` {reason: events}, `doubtful` {reason: values},
    `events` {kind, events, subjects, codes, names}.
    """
    store = store_of(own(locators))
    asked = checked({k: v for k, v in settings.items() if k in {"after", "window", "limits", "units"}})
    named = _nameable(store)
    _check_codes(store, asked)
    shared = _shared_units(store)
    units = _units(store, named, shared) | dict(asked.units)
    limits = _limits(store, named, units=units, asked=asked.limits)
    found = _Found(store, named, recipe(store, reading={"units": units, "limits": limits}), units=units, shared=shared)
    return (
        Decision("after", settings.get("after") or "", _after_reason(settings.get("after"), store), _by(settings, "after")),
        Decision("window", settings.get("window") or "", _window_reason(settings.get("window")), _by(settings, "window")),
        Decision("units", units, "the unit in which each code comes most often; all its values are brought to it", "measured"),
        Decision("limits", limits, _limits_reason(asked.limits), _by(settings, "limits")),
        Decision("converted", found.converted, "values that came in another unit and were brought to the code's own", "measured"),
        Decision("apart", found.apart, "nothing turns these units into the code's own: the events are a variable of their own", "measured"),
        Decision("unitless", found.unitless, "no unit was said: they are taken to be in the unit of the code's other values", "measured"),
        Decision("masked", found.masked, "values that no living patient has are not used; that something was measured is", "measured"),
        Decision("refused", dict(store.refused), "events of the source that cannot be used, by reason", "measured"),
        Decision("doubtful", dict(store.about.get("told", {})), "values that were read with a doubt, by reason", "measured"),
        Decision("events", _about(store), "what the events were read from", "measured"),
    )  # fmt: skip


def _by(settings: Mapping[str, Any], name: str) -> Literal["user", "rule"]:
    return "user" if settings.get(name) else "rule"


def _after_reason(after: Any, store: Store) -> str:
    if after:
        return "a case is predicted this long after its index time; no later event is read"
    if store.relative:
        return "no time was said: a case is predicted at its last event"
    return "a case is predicted at its index time; no later event is read"


def _window_reason(window: Any) -> str:
    return (
        "only events this long before the prediction are looked at"
        if window
        else "all events before the prediction are looked at"
    )


def _limits_reason(asked: Any) -> str:
    if asked == "none":
        return "switched off by the user: every value is used"
    return "the lowest and the highest value that a living patient can have, in the code's unit"


def _about(store: Store) -> dict[str, Any]:
    told = {"kind": store.about.get("kind", ""), "events": len(store.times), "subjects": len(store.subjects)}
    return {**told, "codes": len(store.names), "names": dict(store.about.get("names") or {})}


def _nameable(store: Store) -> list[int]:
    """Return the codes, the most frequent first, that a plan may name."""
    events, subjects = _spread(store, len(store.names), place=lambda here: store.codes[here])
    named = [c for c in np.argsort(-events, kind="stable").tolist() if subjects[c] >= FEWEST or public_name(store.names[c])]
    return named[:MOST_CODES]


def _shared_units(store: Store) -> frozenset[tuple[int, int]]:
    """Return the pairs of a code and a unit that a plan may name; having none is a pair too."""
    pairs, width = sorted(pair_counts(store)), len(store.unit_names)
    keys = np.array([code * width + unit for code, unit in pairs], np.int64)

    def place(here: slice) -> np.ndarray:
        own = np.searchsorted(keys, store.codes[here].astype(np.int64) * width + store.units[here])
        return np.where(np.isnan(store.values[here]), len(keys), own)  # events without a value need no unit, and are no pair

    _, subjects = _spread(store, len(keys) + 1, place=place)
    return frozenset(pair for pair, count in zip(pairs, subjects.tolist(), strict=False) if count >= FEWEST)


def _spread(store: Store, n: int, *, place: Callable[[slice], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return how many events (n,) and how many subjects (n,) fall into each of `n` places; `place` gives those of some events."""
    events, subjects = np.zeros(n, np.int64), np.zeros(n, np.int64)
    lengths = np.diff(store.offsets)
    begin = 0
    while begin < len(lengths):  # whole subjects, about CHUNK events at a time
        end = max(begin + 1, int(np.searchsorted(store.offsets, store.offsets[begin] + CHUNK, side="right")) - 1)
        at = place(slice(int(store.offsets[begin]), int(store.offsets[end])))
        subject = np.repeat(np.arange(end - begin), lengths[begin:end])
        events += np.bincount(at, minlength=n)
        if (end - begin) * n <= 16 * CHUNK:
            seen = np.zeros((end - begin, n), bool)
            seen[subject, at] = True
            subjects += seen.sum(axis=0)
        else:
            subjects += np.bincount(np.unique(subject * n + at) % n, minlength=n)
        begin = end
    return events, subjects


def _units(store: Store, named: Sequence[int], shared: Collection[tuple[int, int]]) -> dict[str, str]:
    """Return the most frequent unit of each code that has one which enough subjects share; spellings of one unit count together."""
    spelled: dict[int, dict[str, dict[str, int]]] = {}
    for (code, unit), count in pair_counts(store).items():
        if unit and ((code, unit) in shared or public_unit(store.unit_names[unit])):
            name = store.unit_names[unit]
            spelled.setdefault(code, {}).setdefault(canonical(name), {})[name] = count
    return {store.names[c]: _most(max(spelled[c].values(), key=lambda s: sum(s.values()))) for c in named if c in spelled}


def _most(spellings: Mapping[str, int]) -> str:
    return max(sorted(spellings), key=lambda name: spellings[name])


def _limits(store: Store, named: Sequence[int], *, units: Mapping[str, str], asked: Any) -> dict[str, list[float | None]]:
    if asked == "none":
        return {}
    given = dict(asked or {})
    ruled = [c for c in named if rule_of(store.names[c]) is not None and store.names[c] not in given]
    values = _values_of(store, ruled, units=units)
    found: dict[str, list[float | None]] = {AGE: [0.0, 125.0]}
    for code, some in values.items():
        name = store.names[code]
        span = limits_of(name, unit=units.get(name, ""), values=some)
        if span is not None:
            found[name] = _plain(span)
    return found | {code: _plain(span) for code, span in given.items()}


def _plain(span: tuple[float, float]) -> list[float | None]:
    """Return bounds as JSON holds them: null where there is none."""
    return [None if np.isinf(bound) else round(float(bound), 6) for bound in span]


def _check_codes(store: Store, asked: Options) -> None:
    """Raise StudyError for codes that no event has. A whole plan, which always holds a limit of AGE, may name codes of its own source."""
    if isinstance(asked.limits, Mapping) and AGE in asked.limits:
        return
    named = [("limits", code) for code in (asked.limits if isinstance(asked.limits, Mapping) else ())]
    named += [("units", code) for code in asked.units]
    there = set(store.names)
    faults = [
        f"{what}: no event has the code '{code}'{did_you_mean(code, store.names)}" for what, code in named if code not in there
    ]
    if faults:
        raise StudyError(faults)


def _values_of(store: Store, codes: Sequence[int], *, units: Mapping[str, str]) -> dict[int, np.ndarray]:
    """Return up to SAMPLE values of each of `codes`, in its unit, evenly from all over the source."""
    plain = recipe(store, reading={"units": units})
    wanted = np.zeros(len(store.names), bool)
    wanted[list(codes)] = True
    parts: dict[int, list[np.ndarray]] = {c: [] for c in codes}
    for start in range(0, len(store.codes), CHUNK):
        here = slice(start, start + CHUNK)
        at = np.flatnonzero(wanted[store.codes[here]] & ~np.isnan(store.values[here]))
        own_codes = store.codes[here][at]
        hashes, values = plain.applied(own_codes, store.values[here][at], store.units[here][at])
        at_home = hashes == plain.own[own_codes]
        own_codes, values = own_codes[at_home], values[at_home]
        if not len(values):
            continue
        order = np.argsort(own_codes, kind="stable")
        present, first = np.unique(own_codes[order], return_index=True)
        for code, some in zip(present.tolist(), np.split(values[order], first[1:]), strict=True):
            parts[code].append(some[:: max(1, len(some) // SAMPLE)])
    return {code: np.concatenate(some) for code, some in parts.items() if some}


def _add(counts: dict[str, int], name: str, count: int) -> None:
    counts[name] = counts.get(name, 0) + count


class _Found:
    """What reading by a recipe does to the values of a store, counted by code."""

    def __init__(
        self, store: Store, named: Sequence[int], read: Recipe, *, units: Mapping[str, str], shared: Collection[tuple[int, int]]
    ) -> None:
        self._store, self._named, self._shared = store, {store.names[c] for c in named}, shared
        self.converted: dict[str, dict[str, int]] = {}
        self.apart: dict[str, int] = {}
        self.unitless: dict[str, int] = {}
        for (code, unit), count in sorted(pair_counts(store).items()):
            self._count(store.names[code], store.unit_names[unit], count, units=units, told=self._told(code, unit))
        self.masked = self._masked(read)

    def _told(self, code: int, unit: int) -> bool:
        shared = (code, unit) in self._shared or public_unit(self._store.unit_names[unit])
        return shared and self._store.names[code] in self._named

    def _count(self, code: str, unit: str, count: int, *, units: Mapping[str, str], told: bool) -> None:
        if code not in units or canonical(unit) == canonical(units[code]):
            return
        if not unit:
            _add(self.unitless, code if told else OTHERS, count)
        elif conversion(code, unit, units[code]) is None:
            _add(self.apart, apart(code, unit) if told else OTHERS, count)
        else:
            _add(self.converted.setdefault(code if told else OTHERS, {}), unit if told else OTHERS, count)

    def _masked(self, read: Recipe) -> dict[str, int]:
        store, found = self._store, np.zeros(len(self._store.names), np.int64)
        for start in range(0, len(store.codes), CHUNK):
            here = slice(start, start + CHUNK)
            at = np.flatnonzero(~np.isnan(store.values[here]))
            codes = store.codes[here][at]
            _, values = read.applied(codes, store.values[here][at], store.units[here][at])
            found += np.bincount(codes[np.isnan(values)], minlength=len(found))
        counts: dict[str, int] = {}
        for code in np.flatnonzero(found).tolist():
            name = store.names[code] if store.names[code] in self._named else OTHERS
            counts[name] = counts.get(name, 0) + int(found[code])
        return dict(sorted(counts.items(), key=lambda pair: -pair[1]))
