"""From the spread of a measure over resamples to a 95% interval, or to the reason why there is none.

Which form covers best was found by simulation (tests/reference/test_coverage.py): a normal interval on the measure's own scale, its
width from the resamples' standard deviation with Student's quantile for the cases that carry the measure, beats percentiles
(which are too narrow in small samples) and is no worse in large ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from osler.core.measure import Measure
from osler.core.scores import Value

LEAST_GROUPS = 10  # under which an interval would pretend
FEW_GROUPS = 50  # under which groups are left out in turn instead of drawn
LEAST_CASES = 5  # that must carry a measure
_NORMAL = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Spread:
    """The values of a measure over resamples (r,), and what was resampled.

    `carried` is the number of cases that carry the measure, at most the number of groups.
    """

    values: np.ndarray
    how: Literal["bootstrap", "jackknife", "none"]
    groups: int
    single: bool
    carried: float

    def error(self) -> float:
        """Return the standard error; NaN where too many resamples have no value."""
        known = self.values[np.isfinite(self.values)]
        if self.how == "jackknife":
            if len(known) < len(self.values):
                return float("nan")
            return float(np.sqrt((len(known) - 1) / len(known) * ((known - known.mean()) ** 2).sum()))
        if len(known) < max(2, len(self.values) / 2):
            return float("nan")
        # resampling n cases underestimates a variance by (n - 1) / n
        return float(known.std(ddof=1) * np.sqrt(self.carried / (self.carried - 1)))

    def quantile(self) -> float:
        """Return the 97.5% quantile of Student's distribution for the cases that carry the measure."""
        return float(stdtrit(max(1.0, self.carried - 1), 0.975))


def interval(measure: Measure, value: float, spread: Spread) -> Value:
    """Return `value` with its 95% interval; without one, `note` says why."""
    if measure.scale == "ratio" and value > 0:
        return _of_ratio(measure, value, spread)
    note = _obstacle(measure, value, spread)
    if note:
        return Value(value, note=note)
    if measure.proportion and spread.single:
        return Value(value, *wilson(value, spread.carried))
    error = spread.error()
    if error <= 1e-12 * max(1.0, abs(value)) or not _inside(measure, value):
        return _at_the_edge(measure, value, spread)
    low, high = _on_scale(measure, value, spread.quantile() * error)
    return Value(value, low, min(high, measure.most))


def _of_ratio(measure: Measure, value: float, spread: Spread) -> Value:
    """A ratio's resamples are skewed where few cases carry its denominator; their logarithms are not (Katz 1978)."""
    known = np.where(spread.values > 0, spread.values, np.nan)
    plain = replace(measure, scale="identity")
    found = interval(plain, float(np.log(value)), replace(spread, values=np.log(known)))
    if found.low is None or found.high is None:
        return Value(value, note=found.note)
    return Value(value, float(np.exp(found.low)), float(np.exp(found.high)))


def _obstacle(measure: Measure, value: float, spread: Spread) -> str:
    if not np.isfinite(value):
        return "has no value on these cases (one class only, or nothing to compare)"
    if spread.how == "none":
        return f"{spread.groups} groups are too few for an interval"
    if measure.proportion and spread.single and spread.carried >= 1:
        return ""
    if spread.carried < LEAST_CASES:
        return f"rests on fewer than {LEAST_CASES} cases: no interval"
    return "" if np.isfinite(spread.error()) else "too many resamples have no value: no interval"


def _inside(measure: Measure, value: float) -> bool:
    return {"identity": True, "log": value > 0, "ratio": value > 0, "logit": 0 < value < 1}[measure.scale]


def _at_the_edge(measure: Measure, value: float, spread: Spread) -> Value:
    if measure.scale == "logit" and value in (0.0, 1.0):
        return Value(value, *wilson(value, spread.carried))
    return Value(value, note="all resamples give the same value: no interval")


def steepness(measure: Measure, value: float) -> float:
    """Return the slope of the measure's scale at `value`: how far a small step goes on it; infinite at the scale's ends."""
    if measure.scale == "identity":
        return 1.0
    if not _inside(measure, value):
        return float("inf")
    return 1 / value if measure.scale in ("log", "ratio") else 1 / (value * (1 - value))


def _on_scale(measure: Measure, value: float, half: float) -> tuple[float, float]:
    # half-widths move to the scale by its derivative: the scale itself is infinite where a resample is perfect
    if measure.scale == "logit":
        middle, half = np.log(value / (1 - value)), half * steepness(measure, value)
        return float(1 / (1 + np.exp(half - middle))), float(1 / (1 + np.exp(-half - middle)))
    if measure.scale == "log":
        return float(value * np.exp(-half / value)), float(value * np.exp(min(half / value, 700.0)))
    return value - half, value + half


def wilson(share: float, cases: float) -> tuple[float, float]:
    """Return Wilson's 95% interval (1927) of a `share` of `cases`.

    >>> [round(v, 4) for v in wilson(81 / 263, 263)]  # Newcombe 1998, table I
    [0.2553, 0.3662]
    """
    square = _NORMAL**2
    middle = (share + square / (2 * cases)) / (1 + square / cases)
    half = _NORMAL / (1 + square / cases) * np.sqrt(share * (1 - share) / cases + square / (4 * cases**2))
    # of none and of all the end is known; rounding would leave it beside 0 or 1
    return 0.0 if share <= 0 else float(max(0.0, middle - half)), 1.0 if share >= 1 else float(min(1.0, middle + half))
