"""How many test cases give measures of a known precision, and what an AUROC says of the share explained.

Riley et al. 2021 (Stat Med 40:4230) for two-valued outcomes, Archer et al. 2021 (Stat Med 40:133) for numbers. Widths are those of
95% intervals and the ones that `pmvalsampsize` takes by itself.
"""

from __future__ import annotations

import math

import numpy as np

RATIO_WIDTH = 0.2  # of observed over expected
SLOPE_WIDTH = 0.2
AREA_WIDTH = 0.1  # of AUROC, and of R²
Z = 1.959963984540054
MOST = 10_000_000

Predictor = tuple[np.ndarray, np.ndarray]  # values of the linear predictor and their weights, which sum to 1


def normal_predictor(mean: float, sd: float) -> Predictor:
    """Return a normally distributed linear predictor."""
    points, weights = np.polynomial.hermite_e.hermegauss(99)
    return mean + sd * points, weights / weights.sum()


def predictor_of(area: float, *, share: float) -> Predictor:
    """Return the linear predictor whose AUROC is `area` where a `share` of the cases has the outcome.

    A score that is normal with the same spread in both classes gives a logistic model exactly; so Riley, Van Calster & Collins
    2021 (Stat Med 40:859) take it, who simulate what is integrated here.
    """
    from scipy.special import ndtri

    apart = math.sqrt(2) * float(ndtri(area))
    slope, start = apart, math.log(share / (1 - share)) - apart**2 / 2
    with_it, without = normal_predictor(apart, 1.0), normal_predictor(0.0, 1.0)
    values = np.concatenate([with_it[0], without[0]])
    return start + slope * values, np.concatenate([share * with_it[1], (1 - share) * without[1]])


def explained_by(area: float, *, share: float) -> float:
    """Return the Cox–Snell R² of a model with this AUROC."""
    values, weights = predictor_of(area, share=share)
    risk = _risk(values)
    loss = -(weights * (risk * np.log(risk) + (1 - risk) * np.log1p(-risk))).sum()
    blind = -(share * math.log(share) + (1 - share) * math.log(1 - share))
    return float(-np.expm1(-2 * (blind - loss)))


def for_ratio(share: float, *, width: float = RATIO_WIDTH) -> int:
    """Return the cases for observed over expected, where it is 1."""
    error = math.asinh(width / 2) / Z
    return math.ceil((1 - share) / (share * error**2))


def for_area(area: float, *, share: float, width: float = AREA_WIDTH) -> int | None:
    """Return the cases for AUROC by Newcombe's standard error (2006)."""
    if not 0 < area < 1:
        return None

    def enough(cases: int) -> bool:
        half = cases / 2 - 1
        spread = 1 + half * (1 - area) / (2 - area) + half * area / (1 + area)
        return 2 * Z * math.sqrt(area * (1 - area) * spread / (cases**2 * share * (1 - share))) <= width

    low, high = 2, 4
    while not enough(high):
        if high > MOST:
            return None
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high


def for_slope(predictor: Predictor, *, width: float = SLOPE_WIDTH) -> int:
    """Return the cases for a calibration slope, where it is 1 (Fisher's information of a logistic model)."""
    values, weights = predictor
    risk = _risk(values)
    information = weights * risk * (1 - risk)
    one, cross, square = (float((information * values**power).sum()) for power in range(3))
    error = width / (2 * Z)
    return math.ceil(one / (error**2 * (one * square - cross**2)))


def number_for_explained(explained: float, *, width: float = AREA_WIDTH) -> int | None:
    """Return the cases for R² of a number."""
    return math.ceil(4 * explained * (1 - explained) ** 2 / (width / (2 * Z)) ** 2) if 0 < explained < 1 else None


def number_for_slope(explained: float, *, width: float = SLOPE_WIDTH) -> int | None:
    """Return the cases for the calibration slope of a number, where it is 1."""
    return math.ceil(1 + (1 - explained) / ((width / (2 * Z)) ** 2 * explained)) if 0 < explained < 1 else None


def _risk(values: np.ndarray) -> np.ndarray:
    return np.clip(1 / (1 + np.exp(-np.clip(values, -700, 700))), 1e-12, 1 - 1e-12)
