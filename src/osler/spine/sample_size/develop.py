"""How many cases a regression model asks for, so that it is little overfitted.

Each function returns the smallest whole number of cases, None where no number is enough or the figures make no sense.
"""

from __future__ import annotations

import math
from collections.abc import Callable

SHRINKAGE = 0.9  # of predictor effects, at least
OPTIMISM = 0.05  # of (Nagelkerke's) R², at most
MARGIN = 0.05  # of the overall risk
FOLD = 1.1  # multiplicative error of the mean of a number
RESIDUALS = 234  # cases beyond the parameters give the residual standard deviation within 10%
Z = 1.959963984540054
MOST = 10_000_000  # where the search ends


def largest_explained(share: float) -> float:
    """Return the largest Cox–Snell R² of an outcome that a `share` of the cases has.

    >>> round(largest_explained(0.174), 3)  # Riley 2020
    0.603
    """
    logs = share * math.log(share) + (1 - share) * math.log(1 - share)
    return 1 - math.exp(2 * logs)


def for_shrinkage(parameters: int, explained: float, *, shrinkage: float = SHRINKAGE) -> int | None:
    """Return the cases of a two-valued outcome for an expected shrinkage (Riley 2019 II, formula 11)."""
    if not 0 < explained < shrinkage < 1:
        return None
    return math.ceil(parameters / ((shrinkage - 1) * math.log(1 - explained / shrinkage)))


def for_optimism(parameters: int, explained: float, *, share: float) -> int | None:
    """Return the cases for a difference of at most 0.05 between apparent and adjusted R² of Nagelkerke."""
    if explained <= 0:
        return None
    return for_shrinkage(parameters, explained, shrinkage=explained / (explained + OPTIMISM * largest_explained(share)))


def for_risk(share: float) -> int:
    """Return the cases for an overall risk within 0.05 (95%)."""
    return math.ceil((Z / MARGIN) ** 2 * share * (1 - share))


def expected_shrinkage(cases: int, parameters: int, explained: float) -> float | None:
    """Return the shrinkage for which `for_shrinkage` asks for as many `cases` as there are; None where there is none."""
    if not 0 < explained < 1:
        return None
    low, high = explained, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        asked = -math.inf if middle in (explained, 1.0) else parameters / ((middle - 1) * math.log1p(-explained / middle))
        low, high = (middle, high) if asked < cases else (low, middle)
    return high if high > explained + 1e-6 else None  # hardly anything is left of the predictions


def shrinkage_of_number(cases: int, parameters: int, explained: float) -> float | None:
    """Return the expected shrinkage of a linear regression (Riley 2019 I): that of Van Houwelingen & Le Cessie with the apparent
    R² that belongs to the adjusted one."""
    if cases <= parameters + 2 or not 0 < explained < 1:
        return None
    apparent = (explained * (cases - parameters - 1) + parameters) / (cases - 1)
    return 1 + (parameters - 2) / (cases * math.log1p(-apparent))


def number_for_shrinkage(parameters: int, explained: float) -> int | None:
    """Return the cases of a number for an expected shrinkage of 0.9."""

    def enough(cases: int) -> bool:
        found = shrinkage_of_number(cases, parameters, explained)
        return found is not None and found >= SHRINKAGE

    return _first(enough, parameters + 3)


def number_for_optimism(parameters: int, explained: float) -> int | None:
    """Return the cases for a difference of at most 0.05 between apparent and adjusted R²."""
    return math.ceil(1 + parameters * (1 - explained) / OPTIMISM) if explained < 1 else None


def number_for_residuals(parameters: int) -> int:
    """Return the cases for a residual standard deviation within 10%."""
    return RESIDUALS + parameters


def number_for_mean(parameters: int, explained: float, *, mean: float, sd: float) -> int | None:
    """Return the cases for a mean within 10%; None where it lies too near to 0 for that to be asked."""
    from scipy.special import stdtrit

    if explained >= 1 or sd <= 0 or abs(mean) < 0.1 * sd:
        return None
    spread = sd * math.sqrt(1 - explained) / abs(mean)

    def enough(cases: int) -> bool:
        return bool(stdtrit(cases - parameters - 1, 0.975) * spread / math.sqrt(cases) <= FOLD - 1)

    return _first(enough, parameters + 2)


def _first(enough: Callable[[int], bool], start: int) -> int | None:
    """Return the smallest number from `start` for which `enough` holds, which then holds for every larger one."""
    low, high = start, start
    while not enough(high):
        if high > MOST:
            return None
        low, high = high + 1, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high
