"""Where the values of each code lie: quantiles on a grid of three digits, from which no patient's value can be read.

A code's quantiles are taken over its events, at most DRAWN of each case, evenly spread over its stay. Where one group still gave
more than a fifth of them, each group's mean is taken instead of its events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osler.core.columns import Columns
from osler.modalities.timelines.fit.runs import Runs, blocks, runs
from osler.modalities.timelines.fit.vocabulary import FEWEST, placed

DRAWN = 64  # values of a code and a case; one with 10⁶ events does not outweigh the rest
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
OUTERMOST = 0.005
REPEATED = 0.05  # of the cases with a value
_NORMAL = 1.349  # interquartile range of a normal distribution with sd 1


@dataclass(frozen=True, slots=True)
class Scales:
    """By code (v,): `center`, `scale`, `low` and `high` float32; 0, 1, 0 and 0 where fewer than five groups gave values; whether
    it is `repeated` bool: one in twenty of the cases with a value has several; its `points` (v, 5) float64, the LEVELS of its
    values, not yet on the grid of `step` (v,)."""

    center: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    repeated: np.ndarray
    points: np.ndarray
    step: np.ndarray

    @property
    def knots(self) -> np.ndarray:
        """`low`, the LEVELS and `high` (v, 7) float32, ascending, on the grid; 0 where fewer than five groups gave values."""
        inner = np.round(self.points / self.step[:, None]) * self.step[:, None]
        found = np.concatenate(
            [self.low[:, None], np.clip(inner, self.low[:, None], self.high[:, None]), self.high[:, None]], axis=1
        )
        return _short(np.where((self.low < self.high)[:, None], np.maximum.accumulate(found, axis=1), 0.0))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Values of codes: `code` (d,), `value` (d,) of single events, at most DRAWN of a case. And by code and group (p,):
    `pair_code`, `count` of drawn values, `mean`, `least`, `most` of all. `runs` (2, v): cases with a value, and with several."""

    code: np.ndarray
    value: np.ndarray
    pair_code: np.ndarray
    count: np.ndarray
    mean: np.ndarray
    least: np.ndarray
    most: np.ndarray
    runs: np.ndarray


def scales(columns: Columns, rows: np.ndarray, *, groups: np.ndarray, known: np.ndarray) -> Scales:
    """Return where the values of the codes `known` (v,), ascending, lie; `groups` (m,) by place in `rows`."""
    drawn = _drawn(columns, rows, groups=groups, known=known)
    codes = len(known)
    donors = np.bincount(drawn.pair_code, minlength=codes)
    largest = np.zeros(codes)
    np.maximum.at(largest, drawn.pair_code, drawn.count)
    ordered, counts = _ordered(drawn.code, drawn.value, codes=codes)
    means, _ = _ordered(drawn.pair_code, drawn.mean, codes=codes)
    single = counts >= FEWEST * largest
    points = np.where(single[:, None], _quantiles(ordered, counts, LEVELS), _quantiles(means, donors, LEVELS))
    enough = donors >= FEWEST
    spread = _spread(drawn.code, drawn.value, points[:, 2])
    step = _grid(points[:, 4] - points[:, 0], fallback=np.where(spread > 0, spread, points[:, 2]))
    robust = (points[:, 3] - points[:, 1]) / _NORMAL
    scale = np.where(robust > 0, robust, spread)
    scale = np.where(enough & (scale > 0), np.maximum(np.round(scale / step), 1) * step, 1.0)
    center = np.where(enough, np.round(points[:, 2] / step) * step, 0.0)
    low, high = _limits(drawn, _quantiles(ordered, counts, np.array([OUTERMOST, 1 - OUTERMOST])), codes=codes)
    low, high = np.floor(low / step) * step, np.ceil(high / step) * step
    low, high = (np.where(enough, one, 0.0) for one in (low, high))
    repeated = drawn.runs[1] >= np.maximum(FEWEST, REPEATED * drawn.runs[0])
    return Scales(_short(center), _short(scale), _short(low), _short(high), repeated, points, step)


def _short(values: np.ndarray) -> np.ndarray:
    most = float(np.finfo(np.float32).max)  # what is wider than all numbers is as wide as they are
    return np.asarray((np.clip(values, -most, most) + 0.0).astype(np.float32))  # -0.0 + 0.0 is 0.0


def _limits(drawn: _Drawn, ends: np.ndarray, *, codes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper limit (v,): the quantiles `ends` (v, 2), moved inwards to where five groups lie at or beyond."""
    least, counts = _ordered(drawn.pair_code, drawn.least, codes=codes)
    most, _ = _ordered(drawn.pair_code, -drawn.most, codes=codes)
    starts = np.cumsum(counts) - counts
    at = np.minimum(starts + np.minimum(counts, FEWEST) - 1, max(0, len(least) - 1))
    if not len(least):
        return ends[:, 0], ends[:, 1]
    return np.fmax(ends[:, 0], least[at]), np.fmin(ends[:, 1], -most[at])


def _drawn(columns: Columns, rows: np.ndarray, *, groups: np.ndarray, known: np.ndarray) -> _Drawn:
    width = len(known) + 1
    crowd = np.unique(groups, return_inverse=True)[1]
    values, parts = [], []
    counts = np.zeros((2, len(known)), np.int64)
    for block in blocks(columns, rows):
        place = placed(block.codes, known)
        there = np.flatnonzero(np.isfinite(block.values) & (place < len(known)))
        found = runs(block.case[there], place[there], width=width)
        inside = block.values[there][found.order]
        some = _evenly(found)
        counts += np.stack([np.bincount(c, minlength=len(known)) for c in (found.code, found.code[found.counts > 1])])
        values.append(np.stack([np.repeat(found.code, found.counts)[some].astype(np.float64), inside[some].astype(np.float64)]))
        parts.append(_summed(found, inside, crowd[found.case] * width + found.code))
    events = np.concatenate(values, axis=1) if values else np.empty((2, 0))
    pairs = np.concatenate(parts, axis=1) if parts else np.empty((6, 0))
    return _merged(events, pairs, width=width, counts=counts)


def _summed(found: Runs, inside: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """Return (6, r) of each run: its pair of group and code, drawn values, all values, their sum, least and most."""
    if not len(pair):
        return np.empty((6, 0))
    wide = inside.astype(np.float64)
    ends = (op.reduceat(wide, found.starts) for op in (np.add, np.minimum, np.maximum))
    return np.stack([pair.astype(np.float64), np.minimum(found.counts, DRAWN), found.counts, *ends])


def _merged(events: np.ndarray, parts: np.ndarray, *, width: int, counts: np.ndarray) -> _Drawn:
    """Return the runs of one group and code put together."""
    parts = parts[:, np.argsort(parts[0], kind="stable")]
    pair = parts[0].astype(np.int64)
    starts = np.flatnonzero(np.diff(pair, prepend=-1))
    code, value = events[0].astype(np.int64), events[1]
    if not len(starts):
        nothing = np.empty(0)
        return _Drawn(code, value, pair, nothing, nothing, nothing, nothing, counts)
    drawn, every, total = (np.add.reduceat(parts[j], starts) for j in (1, 2, 3))
    least, most = np.minimum.reduceat(parts[4], starts), np.maximum.reduceat(parts[5], starts)
    return _Drawn(code, value, pair[starts] % width, drawn, total / every, least, most, counts)


def _evenly(found: Runs) -> np.ndarray:
    """Return which of the events in runs are drawn (e,) bool: all of a short run, DRAWN evenly spread ones of a long one."""
    counts = np.repeat(found.counts, found.counts)
    within = np.arange(len(counts)) - np.repeat(found.starts, found.counts)
    return (counts <= DRAWN) | (((within + 1) * DRAWN) // counts > (within * DRAWN) // counts)


def _ordered(code: np.ndarray, value: np.ndarray, *, codes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the values ordered by code and value, and how many each code has (v,).

    Sorted as numbers of 64 bits, the code above the value's bits: several times faster than by two keys.
    """
    bits = np.ascontiguousarray(value, np.float32).view(np.int32).astype(np.int64)
    bits = np.where(bits < 0, (bits & 0x7FFFFFFF) ^ 0x7FFFFFFF, bits | 0x80000000)  # negative numbers count down
    packed = (code << 32) | bits
    packed.sort()
    bits = packed & 0xFFFFFFFF
    bits = np.where(bits & 0x80000000, bits & 0x7FFFFFFF, ~bits & 0xFFFFFFFF).astype(np.uint32)
    return bits.view(np.float32).astype(np.float64), np.bincount(code, minlength=codes)


def _quantiles(ordered: np.ndarray, counts: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return (v, levels) by linear interpolation; 0 where a code has no value."""
    if not len(ordered):
        return np.zeros((len(counts), len(levels)))
    starts = (np.cumsum(counts) - counts)[:, None]
    last = np.maximum(counts - 1, 0)[:, None]
    place = last * levels
    below = np.floor(place).astype(np.int64)
    at = (np.minimum(starts + k, len(ordered) - 1) for k in (below, np.minimum(below + 1, last)))
    low, high = (ordered[k] for k in at)
    return np.where(counts[:, None] > 0, low + (high - low) * (place - below), 0.0)


def _spread(code: np.ndarray, value: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the standard deviation (v,) of single events around their mean."""
    away = value - centre[code]
    count = np.maximum(np.bincount(code, minlength=len(centre)), 1)
    first, second = (np.bincount(code, weights=w, minlength=len(centre)) / count for w in (away, away * away))
    spread = np.sqrt(np.maximum(second - first**2, 0))
    return np.where(spread > 1e-6 * np.abs(centre), spread, 0)  # less is the rounding of float32


def _grid(spread: np.ndarray, *, fallback: np.ndarray) -> np.ndarray:
    """Return the step of a grid of three digits of `spread` (v,), or of `fallback` where there is none; never 0."""
    size = np.where(spread > 0, spread, np.abs(fallback))
    size = np.where(np.isfinite(size) & (size > 0), size, 1.0)
    return np.asarray(10.0 ** (np.floor(np.log10(size)) - 2))
