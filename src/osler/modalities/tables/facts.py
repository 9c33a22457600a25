"""What is measured of the training rows: aggregates, from which no single case can be read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from osler.core.clue import Clues
from osler.core.columns import Columns
from osler.modalities.tables.case import CATEGORIES, NUMBERS, UNREADABLE

FEWEST = 5  # cases that a value or a word must be shared by before it is told
SAMPLE = 200_000  # rows from which quantiles are taken, evenly spread
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
DISTINCT = 1000  # more different values than this are not counted
_CELLS = 1 << 21  # in memory at once
_TOLD = ("missing", "unreadable", "mean", "sd", "skew", "quantiles", "limits", "beyond", "distinct")
_OUTERMOST = 0.005


def facts(columns: Columns, rows: np.ndarray) -> Mapping[str, Any]:
    """Return what JSON can hold: `cases`, `columns`, and under `numbers` and `categories` one entry per column in each list.

    numbers: `names`, `missing` (share), `unreadable` (cells), `mean`, `sd`, `skew`, `quantiles` (5, 25, 50, 75, 95 %),
    `limits` (lower and upper, beyond which about 0.5 % and at least 5 cases lie on each side before they are rounded outwards to
    two digits), `beyond` (share beyond both), `distinct` (at most 1,000). Values lie on a grid of three digits of the 5–95 % range and are None where fewer than 5
    cases have the column. categories: `names`, `missing`, `words` (different ones), `rare` (share of the cases with a word
    that fewer than 5 cases have), `common` (words that more have). Quantiles, `distinct`, `words`, `rare` and `common` come from at most 200,000 evenly spread rows.
    """
    numbers, categories = columns[NUMBERS], columns[CATEGORIES]
    assert isinstance(numbers, np.ndarray)
    assert isinstance(categories, np.ndarray)
    return {
        "cases": len(rows),
        "columns": numbers.shape[1] + categories.shape[1],
        "numbers": {"names": list(columns.field(NUMBERS).labels), **_numbers(numbers, rows)},
        "categories": {"names": list(columns.field(CATEGORIES).labels), **_categories(categories, rows)},
    }


def sampled(rows: np.ndarray, *, most: int = SAMPLE) -> np.ndarray:
    """Return at most `most` of `rows`, evenly spread and in their order."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def column_blocks(array: np.ndarray, rows: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield (columns, values) of `array[rows]` in bounded memory; values (c, rows), a copy."""
    step = max(1, _CELLS // max(1, len(rows)))
    for start in range(0, array.shape[1], step):
        at = slice(start, min(start + step, array.shape[1]))
        yield at, np.ascontiguousarray(array[:, at][rows].T)


def quantiles(ordered: np.ndarray, counts: np.ndarray, *, levels: np.ndarray) -> np.ndarray:
    """Return (c, levels) by linear interpolation from values (c, n) sorted with NaN last, of which `counts` (c,) are there.

    `levels` (levels,) or (c, levels), from 0 to 1. NaN where a column is empty.
    """
    if ordered.shape[1] == 0:
        return np.full((len(ordered), len(levels)), np.nan)
    place = np.clip(np.maximum(counts[:, None] - 1, 0) * levels, 0, None)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(counts[:, None] - 1, 0))
    lower, upper = (np.take_along_axis(ordered, at, axis=1).astype(np.float64) for at in (low, high))
    return lower + (upper - lower) * (place - low)


def grid(spread: np.ndarray, *, fallback: np.ndarray) -> np.ndarray:
    """Return the step of a grid of three digits of `spread` (c,), or of `fallback` where there is no spread; never 0."""
    size = np.where(np.isfinite(spread) & (spread > 0), spread, np.abs(fallback))
    size = np.where(np.isfinite(size) & (size > 0), size, 1.0)
    return 10.0 ** (np.floor(np.log10(size)) - 2)


def _numbers(array: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    told: dict[str, list[Any]] = {name: [] for name in _TOLD}
    some = sampled(rows)
    if not len(rows):
        return told
    for at, values in column_blocks(array, some):
        values.sort(axis=1)
        counts = (~np.isnan(values)).sum(axis=1)
        points = quantiles(values, counts, levels=np.array(LEVELS))
        whole = _moments(array, rows, at, centre=np.nan_to_num(points[:, 2]))
        step = grid(points[:, -1] - points[:, 0], fallback=np.nan_to_num(whole["sd"]))
        few = whole["count"] < FEWEST
        for name in ("mean", "sd"):
            told[name] += _rounded(whole[name], step, hidden=few)
        told["skew"] += _rounded(whole["skew"], np.full(len(step), 0.01), hidden=few)
        told["quantiles"] += [list(q) for q in zip(*(_rounded(p, step, hidden=few) for p in points.T), strict=True)]
        limits, beyond = _limits(values, counts, middle=points[:, 2])
        told["limits"] += [None if gone else pair for pair, gone in zip(limits, few, strict=True)]
        told["beyond"] += [None if gone else share for share, gone in zip(beyond, few, strict=True)]
        told["distinct"] += np.minimum(different(values, counts), DISTINCT).tolist()
        told["missing"] += np.round(1 - whole["count"] / len(rows), 4).tolist()
        told["unreadable"] += whole["unreadable"].astype(int).tolist()
    return told


def _limits(ordered: np.ndarray, counts: np.ndarray, *, middle: np.ndarray) -> tuple[list[list[float]], list[float]]:
    """Return per column the two limits and the share of the cases beyond them; `ordered` (c, n) with NaN last."""
    level = np.clip(FEWEST / np.maximum(counts, 1), _OUTERMOST, 0.25)[:, None]
    ends = quantiles(ordered, counts, levels=np.concatenate([level, 1 - level], axis=1))
    away = np.nan_to_num(ends - middle[:, None])
    with np.errstate(divide="ignore"):
        step = np.where(away != 0, 10.0 ** (np.floor(np.log10(np.abs(away))) - 1), 1.0)
    away = np.stack([np.floor(away[:, 0] / step[:, 0]), np.ceil(away[:, 1] / step[:, 1])], axis=1) * step
    limits = [[float(f"{v:.12g}") for v in pair] for pair in (np.nan_to_num(middle)[:, None] + away).tolist()]
    sides = np.array(limits)
    beyond = ((ordered < sides[:, :1]) | (ordered > sides[:, 1:])).sum(axis=1) / np.maximum(counts, 1)
    return limits, np.round(beyond, 4).tolist()


def different(ordered: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return (c,) how many different values are among the first `counts` of each sorted line of (c, n)."""
    return (ordered[:, 1:] > ordered[:, :-1]).sum(axis=1) + (counts > 0)  # a comparison with NaN is False


def _moments(array: np.ndarray, rows: np.ndarray, at: slice, *, centre: np.ndarray) -> dict[str, np.ndarray]:
    """Return count, unreadable, mean, sd and skew of all `rows`, in one pass around `centre` (c,), which keeps digits."""
    sums = np.zeros((5, len(centre)))
    step = max(1, _CELLS // max(1, len(centre)))
    for start in range(0, len(rows), step):
        values = array[:, at][rows[start : start + step]]
        bad = values.view(np.uint32) == UNREADABLE
        away = values.astype(np.float64) - centre
        there = ~np.isnan(away)
        away[~there] = 0
        square = away * away
        sums += np.stack([there.sum(0), bad.sum(0), away.sum(0), square.sum(0), (square * away).sum(0)])
    count = np.maximum(sums[0], 1)
    first, second, third = sums[2:] / count
    variance = np.maximum(second - first**2, 0)
    sd = np.sqrt(variance * count / np.maximum(count - 1, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        skew = np.where(variance > 0, (third - 3 * first * second + 2 * first**3) / variance**1.5, 0)
    return {"count": sums[0], "unreadable": sums[1], "mean": centre + first, "sd": sd, "skew": skew}


def _rounded(values: np.ndarray, step: np.ndarray, *, hidden: np.ndarray) -> list[float | None]:
    # twelve digits take away what binary fractions add: 0.30000000000000004 of a grid of 0.01
    on_grid = [float(f"{v:.12g}") for v in (np.round(values / step) * step).tolist()]
    return [None if gone or not np.isfinite(v) else v for v, gone in zip(on_grid, hidden, strict=True)]


def _categories(array: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    told: dict[str, list[Any]] = {"missing": [], "words": [], "rare": [], "common": []}
    some = sampled(rows)
    if not len(rows):
        return told
    for _, values in column_blocks(array, some):
        for column in values:
            keys, counts = np.unique(column, return_counts=True)
            words = counts[keys != 0]
            told["missing"].append(round(1 - float(words.sum()) / len(some), 4))
            told["words"].append(len(words))
            told["common"].append(int((words >= FEWEST).sum()))
            told["rare"].append(round(float(words[words < FEWEST].sum()) / len(some), 4))
    return told


def clues(columns: Columns, rows: np.ndarray) -> Iterator[Clues]:
    """Yield every column as a single fact of the cases, blocks of columns at a time."""
    for name in (NUMBERS, CATEGORIES):
        array, labels = columns[name], columns.field(name).labels
        assert isinstance(array, np.ndarray)
        for at, values in column_blocks(array, rows):
            yield Clues(labels[at], values)


def coincidence(columns: Columns, rows: np.ndarray) -> float:
    """Return the chance that two different cases agree in all columns by accident.

    For columns that know nothing of each other it is the product over columns of the chance that two cases agree there
    (sum of squared shares, missing being a value); for columns that all follow from the one that tells most, it is that
    one's chance. Real columns lie between: the geometric mean of both bounds is taken.
    """
    some = sampled(rows)
    pairs = len(some) * (len(some) - 1)
    if pairs < 1:
        return 0.0
    chances = [np.ones(1)]
    for name in (NUMBERS, CATEGORIES):
        array = columns[name]
        assert isinstance(array, np.ndarray)
        chances += [_agreement(values) for _, values in column_blocks(array, some)]
    # no pair among m says that the chance is below about 1/m, not that it is 0
    logs = np.log(np.maximum(np.concatenate(chances), 1 / pairs))
    return float(np.exp((logs.sum() + logs.min()) / 2))


def _agreement(values: np.ndarray) -> np.ndarray:
    """Return (c,) the share of ordered pairs of different cases whose values (c, n) agree, missing ones too."""
    n = values.shape[1]
    ordered = np.sort(values, axis=1)
    fresh = np.ones((len(ordered), n + 1), bool)
    same = ordered[:, 1:] == ordered[:, :-1]
    if ordered.dtype.kind == "f":
        same |= np.isnan(ordered[:, 1:]) & np.isnan(ordered[:, :-1])
    fresh[:, 1:n] = ~same
    starts = np.flatnonzero(fresh)  # of runs in lines of n + 1 entries; the last of each line closes its last run
    lengths = np.diff(starts)
    line = starts[:-1] // (n + 1)
    pairs = np.where(starts[:-1] % (n + 1) < n, lengths * (lengths - 1.0), 0.0)
    return np.bincount(line, weights=pairs, minlength=len(ordered)) / (n * (n - 1.0))
