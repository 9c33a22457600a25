"""What is measured of the training rows: aggregates, from which no single case can be read back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.modalities.timelines.case import IMPOSSIBLE
from osler.modalities.timelines.fit import FEWEST, LEVELS, Census, Runs, Scales, blocks, census, chosen, placed, runs, scales

LISTED = 200  # codes that are told one by one, the most frequent
COMMON = 0.05  # of the cases that have a code: a regression would have it
HAVE, THERE, FIRST, SECOND, VALUES, BEYOND, MASKED = range(7)  # of `counted`
_OF_CODE = ("names", "share", "events", "numeric", "impossible", "mean", "sd", "quantiles", "limits", "beyond")


def facts(columns: Columns, rows: np.ndarray, *, groups: np.ndarray | None = None) -> Mapping[str, Any]:
    """Return what JSON can hold: `cases`, `events`, `codes` (that at least 5 groups have), `rare` (share of the events in others),
    `common` (codes that one in twenty cases has); per case the 5, 25, 50, 75 and 95 % of its
    `events`, of its different `times`, and of the `days` from its first event to the prediction time, each None where fewer than 5
    groups have any; and under `listed` one entry in each list for the at most 200 codes that most cases have, in that order.

    listed: `names`, `share` of the cases that have the code, `events` per case that has it, `numeric` (share of the events with a
    value), `impossible` (values masked), `mean` and `sd` over cases of each case's mean, `quantiles` of the values, `limits` (about the 0.5
    and 99.5 % of them, at least 5 cases at or beyond each), `beyond` (share of the values outside both). Values lie on a grid of
    three digits and are None where fewer than 5 groups gave one. `groups` (n,) is by row of `columns`; without it each case is one.
    """
    own = np.arange(len(rows)) if groups is None else groups[rows]
    found = census(columns, rows, groups=own)
    known = found.groups >= FEWEST
    listed = chosen(found, most=LISTED)
    listed = listed[np.argsort(-found.cases[listed], kind="stable")]
    events = int(found.events.sum())
    return {
        "cases": len(rows),
        "events": events,
        "codes": int(known.sum()),
        "rare": round(float(found.events[~known].sum()) / max(1, events), 4),
        "common": int((known & (found.cases >= COMMON * len(rows))).sum()),
        "per_case": _per_case(columns, rows, groups=own),
        **_listed(columns, rows, found=found, listed=listed, groups=own),
    }


def parameters(facts: Mapping[str, Any]) -> int:
    """Return how many parameters a plain regression would have: one for each code that at least one in twenty cases has (its
    last value, or whether it occurred), and one for how many events there are."""
    return int(facts["common"]) + 1


def _per_case(columns: Columns, rows: np.ndarray, *, groups: np.ndarray) -> dict[str, Any]:
    events, times, days = (np.zeros(len(rows)) for _ in range(3))
    for block in blocks(columns, rows):
        if not len(block.case):
            continue
        here, case, cases = slice(block.start, block.stop), block.case - block.start, block.stop - block.start
        begins = np.diff(case, prepend=-1) != 0
        starts = np.flatnonzero(begins)
        fresh = begins | (np.diff(block.times, prepend=np.nan) != 0)
        events[here], times[here] = np.bincount(case, minlength=cases), np.bincount(case[fresh], minlength=cases)
        back = np.where(np.isfinite(block.times), -block.times, 0.0)
        days[block.case[starts]] = np.maximum.reduceat(back, starts)
    some = events > 0
    few = len(np.unique(groups[some])) < FEWEST
    told = (("events", events), ("times", times), ("days", days))
    return {name: None if few else [_short(v) for v in np.quantile(values[some], LEVELS)] for name, values in told}


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _listed(columns: Columns, rows: np.ndarray, *, found: Census, listed: np.ndarray, groups: np.ndarray) -> dict[str, Any]:
    codes, cases, events, donors = (part[listed] for part in (found.codes, found.cases, found.events, found.donors))
    order = np.argsort(codes)
    ascending = codes[order]
    scaled = scales(columns, rows, groups=groups, known=ascending)
    sums = counted(columns, rows, codes=ascending, centre=scaled.center, limits=np.stack([scaled.low, scaled.high]))
    told: dict[str, list[Any]] = {name: [] for name in _OF_CODE}
    for place, at in enumerate(np.argsort(order)):
        line = {
            "names": columns.words.text(int(codes[place])) or "",
            "share": round(float(cases[place]) / max(1, len(rows)), 4),
            "events": _short(float(events[place]) / max(1, int(cases[place]))),
            "numeric": round(float(sums[VALUES, at]) / max(1, int(events[place])), 4),
            **_values(scaled, sums[:, at], int(at), told=bool(donors[place] >= FEWEST)),
        }
        for name, value in line.items():
            told[name].append(value)
    return {"listed": told}


def _values(scaled: Scales, sums: np.ndarray, at: int, *, told: bool) -> dict[str, Any]:
    impossible = {"impossible": int(sums[MASKED])}
    if not told:
        return {**impossible, **dict.fromkeys(("mean", "sd", "quantiles", "limits", "beyond"))}
    mean, sd = mean_and_sd(sums)
    grid = [_on_grid(v, float(scaled.step[at])) for v in (mean + float(scaled.center[at]), sd, *scaled.points[at].tolist())]
    return {
        **impossible,
        "mean": grid[0],
        "sd": grid[1],
        "quantiles": grid[2:],
        "limits": [float(f"{v:.7g}") for v in (scaled.low[at], scaled.high[at])],
        "beyond": round(float(sums[BEYOND] / max(1.0, sums[VALUES])), 4),
    }


def _on_grid(value: float, step: float) -> float:
    # twelve digits take away what binary fractions add: 0.30000000000000004 of a grid of 0.01
    return float(f"{round(value / step) * step:.12g}")


def counted(columns: Columns, rows: np.ndarray, *, codes: np.ndarray, centre: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return sums (7, c) over the cases `rows` of each of `codes` (c,), ascending: cases that HAVE it, cases in which a value is
    THERE, the FIRST and SECOND power of what their mean is away from `centre` (c,), VALUES, those BEYOND `limits` (2, c), and
    those MASKED as impossible."""
    out = np.zeros((7, len(codes)))
    for block in blocks(columns, rows):
        place = placed(block.codes, codes)
        at = np.flatnonzero(place < len(codes))
        every = runs(block.case[at], place[at], width=len(codes) + 1)
        inside = block.values[at][every.order]
        valued = np.isfinite(inside)
        code = np.repeat(every.code, every.counts)
        low, high = limits[:, code]
        beyond = valued & ((inside < low) | (inside > high))
        count, total = _run_sums(every, valued, np.where(valued, inside - centre.astype(np.float64)[code], 0.0))
        here = count > 0
        away = total[here] / count[here]
        masked = inside.view(np.uint32) == IMPOSSIBLE
        kinds = ((every.code, None), (every.code[here], None), (every.code[here], away), (every.code[here], away * away),
                 (code, valued), (code, beyond), (code, masked))  # fmt: skip
        out += np.stack([np.bincount(c, weights=w, minlength=len(codes)) for c, w in kinds])
    return out


def mean_and_sd(sums: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return the mean, away from the centre, and the standard deviation over cases of one code's `sums` (7,)."""
    there = float(sums[THERE])
    mean = float(sums[FIRST]) / there
    return mean, math.sqrt(max(float(sums[SECOND]) / there - mean**2, 0.0) * there / max(there - 1, 1.0))


def _run_sums(found: Runs, valued: np.ndarray, away: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not len(found.starts):
        return np.empty(0), np.empty(0)
    return np.add.reduceat(valued.astype(np.float64), found.starts), np.add.reduceat(away.astype(np.float64), found.starts)
