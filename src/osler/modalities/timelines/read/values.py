"""How the values of a store are read by the reading decisions: units turned into one, what cannot be masked."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.core.hashing import word_hash
from osler.modalities.timelines.case import AGE, IMPOSSIBLE
from osler.modalities.timelines.read.store import Store
from osler.modalities.timelines.read.units import conversion

DECIDED = ("units", "limits")  # the decisions that a recipe depends on


def apart(code: str, unit: str) -> str:
    """Return the name of the variable that events of `code` are in a unit which nothing turns into the code's own."""
    return f"{code} [{unit}]"


@dataclass(frozen=True, slots=True)
class Recipe:
    """By code of a store (c,): `units` the place of the wanted unit, 0 where any is right; `lows`, `highs` what can be. `own` (c,) int64 the
    code's hash. `pairs` by (code, unit) that is not the wanted one: (scale, offset, hash), the hash of another variable
    where nothing converts. `words` hash → word of such variables, and of AGE. `age` (low, high)."""

    units: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    own: np.ndarray
    pairs: Mapping[tuple[int, int], tuple[float, float, int]]
    words: Mapping[int, str]
    age: tuple[float, float]

    def applied(self, codes: np.ndarray, values: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return hashes (e,) and values (e,) of events with places `codes` and `units` in the store."""
        hashes, values = self.own[codes], np.array(values, np.float32)
        wanted = self.units[codes]
        odd = np.flatnonzero((wanted != 0) & (units != 0) & (units != wanted))
        if len(odd):
            width = int(units.max()) + 1
            pairs, place = np.unique(codes[odd].astype(np.int64) * width + units[odd], return_inverse=True)
            # a unit whose values all were too large to be a number has no entry: they are masked, and turn into nothing
            turned = [self.pairs.get(divmod(pair, width), (1.0, 0.0, 0)) for pair in pairs.tolist()]
            scale, offset, other = (np.array([t[k] for t in turned]) for k in range(3))
            with np.errstate(over="ignore"):
                new = (values[odd].astype(np.float64) * scale[place] + offset[place]).astype(np.float32)
            kept = np.isnan(values[odd]) | ((scale == 1.0) & (offset == 0.0))[place]  # a masked value stays as it is
            values[odd] = np.where(kept, values[odd], new)
            hashes[odd] = np.where(other[place] != 0, other[place], hashes[odd])
            inside = (other == 0)[place]
            limited = np.ones(len(codes), bool)
            limited[odd[~inside]] = False
        else:
            limited = None
        bad = (values < self.lows[codes]) | (values > self.highs[codes])
        if limited is not None:
            bad &= limited
        values.view(np.uint32)[bad | np.isinf(values)] = IMPOSSIBLE
        return hashes, values

    def aged(self, years: np.ndarray) -> np.ndarray:
        """Return ages (n,) float32, those that cannot be masked."""
        short = years.astype(np.float32)
        short.view(np.uint32)[(short < self.age[0]) | (short > self.age[1])] = IMPOSSIBLE
        return short


def recipe(store: Store, *, reading: Mapping[str, Any]) -> Recipe:
    """Return how `store` is read by the decisions `units` and `limits` of `reading`."""
    said = json.dumps([reading.get(name) or {} for name in DECIDED], sort_keys=True)
    return _recipe(_ById(store), said)


class _ById:
    """A store that is equal to itself alone, by its folder, so that a cache can hold it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.store.codes is self.store.codes

    def __hash__(self) -> int:
        return hash(self.store.folder)


@functools.lru_cache(maxsize=8)
def _recipe(held: _ById, said: str) -> Recipe:
    store = held.store
    units, limits = json.loads(said)
    place = {name: i for i, name in enumerate(store.names)}
    spelled = {name: i for i, name in enumerate(store.unit_names)}
    n = len(store.names)
    wanted, lows, highs = np.zeros(n, np.int16), np.full(n, -np.inf, np.float32), np.full(n, np.inf, np.float32)
    words: dict[int, str] = {word_hash(AGE): AGE}
    pairs: dict[tuple[int, int], tuple[float, float, int]] = {}
    present = _pairs_of(store)
    for code, unit in units.items():
        at = place.get(code)
        if at is None:
            continue
        wanted[at] = spelled.get(unit, -1)  # −1: the unit occurs nowhere in this store, so that all others are odd
        for other in present.get(at, ()):
            name = store.unit_names[other]
            way = conversion(code, name, unit)
            key = 0 if way else word_hash(apart(code, name))
            words |= {} if way else {key: apart(code, name)}
            pairs[at, other] = (*(way or (1.0, 0.0)), key)
    for code, (low, high) in limits.items():
        if code in place:
            lows[place[code]], highs[place[code]] = _bound(low, -np.inf), _bound(high, np.inf)
    age = limits.get(AGE, (-np.inf, np.inf))
    return Recipe(wanted, lows, highs, np.asarray(store.hashes), pairs, words, (_bound(age[0], -np.inf), _bound(age[1], np.inf)))


def _bound(value: float | None, endless: float) -> float:
    return endless if value is None else float(value)


def _pairs_of(store: Store) -> dict[int, list[int]]:
    """Return the units (but none) in which each code occurs."""
    found: dict[int, list[int]] = {}
    for pair in sorted(pair_counts(store)):
        if pair[1]:
            found.setdefault(pair[0], []).append(pair[1])
    return found


CHUNK = 1 << 21  # events looked at once


def pair_counts(store: Store) -> dict[tuple[int, int], int]:
    """Return how many events with a value each (code, unit) has."""
    return _pair_counts(_ById(store))


@functools.lru_cache(maxsize=8)
def _pair_counts(held: _ById) -> dict[tuple[int, int], int]:
    store, width = held.store, len(held.store.unit_names)
    found: dict[tuple[int, int], int] = {}
    for start in range(0, len(store.codes), CHUNK):
        here = slice(start, start + CHUNK)
        key = store.codes[here].astype(np.int64) * width + store.units[here]
        key = key[~np.isnan(store.values[here])]
        counted = np.bincount(key) if len(key) and key.max() < 8 * CHUNK else None
        keys, counts = np.unique(key, return_counts=True) if counted is None else (np.flatnonzero(counted), counted[counted > 0])
        for one, count in zip(keys.tolist(), counts.tolist(), strict=True):
            pair = divmod(one, width)
            found[pair] = found.get(pair, 0) + count
    return found
