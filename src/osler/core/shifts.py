"""When a change between the training cases and new ones is clear: rules that every kind of data judges its columns by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist

from osler.core.drift import Finding
from osler.core.units import unit_change

FEWEST = 5  # cells that a figure rests on
CLEAR = 0.25  # standard deviations, or distance of shares, from which a change is told (a small one is 0.1, Austin 2009)
SURE = 3.0  # standard errors that it must be too
PART = 0.05  # of the cases: more missing, beyond the limits or in unknown words are told
MOSTLY = 0.5  # of the cells
Figures = Mapping[str, float | None]


def part_of(part: float, whole: float) -> float | None:
    """Return a share, None where it would tell of fewer than 5 cells."""
    return None if whole < FEWEST or 0 < part < FEWEST else round(part / whole, 4)


def apart(before: Figures, now: Figures) -> float | None:
    """Return the difference of the means in standard deviations."""
    old, new, spread, wide = before["mean"], now["mean"], before["sd"], now["sd"]
    if new is None or old is None or spread is None or wide is None:
        return None
    pooled = math.sqrt((spread**2 + wide**2) / 2)
    return (new - old) / pooled if pooled > 0 else None


def number_finding(
    before: Figures, now: Figures, *, count: float, there: float, rows: float, errors: float = SURE
) -> tuple[Finding, dict[str, str] | None]:
    """Return the gravest thing about a column of numbers, with its detail: `count` of `rows` new cases have it, and `there` of
    the training cases had it; a mean has moved when it is `errors` standard errors away."""
    if (now.get("unreadable") or 0) >= MOSTLY > (before.get("unreadable") or 0):
        return "text", None
    if not count and surprising(before["missing"], rows):
        return "empty", None
    difference = apart(before, now)
    if difference is not None:
        error = math.sqrt(1 / max(count, 1) + 1 / max(there, 1))
        moved = abs(difference) >= CLEAR and abs(difference) > errors * error
        old, new = ((float(f["mean"] or 0), float(f["sd"] or 0)) for f in (before, now))
        unit = unit_change(old, new)
        wider = new[1] and old[1] and abs(math.log(new[1] / old[1])) > math.log(2)
        if unit and count >= FEWEST and (moved or wider):
            return "unit", {"times": unit[0], "unit": unit[1]}
        if moved:
            return "mean", None
    if more(before["outside"], now["outside"], count):
        return "outside", None
    return ("missing", None) if changed(before["missing"], now["missing"], rows) else ("", None)


def errors_of(columns: int) -> float:
    """Return how many standard errors are asked of each of so many means, so that one in twenty sets of new cases that are like
    training's has any that is told (Bonferroni); never fewer than SURE."""
    return max(SURE, NormalDist().inv_cdf(1 - 0.05 / (2 * max(1, columns))))


def more(before: float | None, now: float | None, cases: float) -> bool:
    """Return whether a share has clearly grown."""
    return now is not None and now - (before or 0.0) >= max(PART, SURE * _error(before or 0.0, now, cases))


def changed(before: float | None, now: float | None, cases: float) -> bool:
    """Return whether a share is clearly another."""
    if before is None or now is None:
        return False
    return abs(now - before) >= max(2 * PART, SURE * _error(before, now, cases))


def surprising(missing: float | None, rows: float) -> bool:
    """Return whether so many missing cells in a row are no chance."""
    return missing is not None and missing**rows < 1e-6


def _error(before: float, now: float, cases: float) -> float:
    """Return the standard error of a share of new cases, from the larger spread of both."""
    return math.sqrt(max(before * (1 - before), now * (1 - now)) / max(cases, 1))
