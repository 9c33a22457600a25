"""What sites have in common, and how far they differ: a random-effects summary of their estimates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

_STEPS, _SETTLED = 200, 1e-12


@dataclass(frozen=True, slots=True)
class Summary:
    """Of k estimates: `mean` with its 95% interval, `tau2` the variance between sites, `i2` its share of all variance.

    `predicted` is the 95% interval for the true value in a new site, None with fewer than three.
    """

    sites: int
    mean: float
    low: float
    high: float
    tau2: float
    i2: float
    predicted: tuple[float, float] | None


def summarise(values: np.ndarray, errors: np.ndarray) -> Summary:
    """Return the summary of estimates `values` (k,), k >= 2, with standard `errors` (k,) above 0.

    tau² by restricted maximum likelihood; the mean's interval by Hartung and Knapp, never narrower than the plain one (Röver
    2015); prediction interval with k - 2 degrees of freedom (Higgins 2009; Riley 2011; Debray 2017 for prediction models).
    """
    count = len(values)
    variances = errors**2
    tau2 = _between(values, variances)
    weights = 1 / (variances + tau2)
    mean = float(weights @ values / weights.sum())
    factor = max(1.0, float(weights @ (values - mean) ** 2 / (count - 1)))
    error = float(np.sqrt(factor / weights.sum()))
    half = float(stdtrit(count - 1, 0.975)) * error
    predicted = None
    if count > 2:
        reach = float(stdtrit(count - 2, 0.975) * np.sqrt(tau2 + error**2))
        predicted = (mean - reach, mean + reach)
    return Summary(count, mean, mean - half, mean + half, tau2, tau2 / (tau2 + _typical(variances)), predicted)


def _between(values: np.ndarray, variances: np.ndarray) -> float:
    """Return tau² by Fisher scoring (Viechtbauer 2005, equation 14), at least 0."""
    tau2 = max(0.0, float(np.var(values, ddof=1) - variances.mean()))
    for _ in range(_STEPS):
        weights = 1 / (variances + tau2)
        total, squares = weights.sum(), (weights**2).sum()
        mean = weights @ values / total
        slope = (weights**2) @ (values - mean) ** 2 - total + squares / total
        curve = squares - 2 * (weights**3).sum() / total + (squares / total) ** 2
        moved = max(0.0, tau2 + float(slope / curve))
        if abs(moved - tau2) <= _SETTLED * max(1.0, tau2):
            return moved
        tau2 = moved
    return tau2


def _typical(variances: np.ndarray) -> float:
    """Return the variance of a typical site (Higgins and Thompson 2002)."""
    weights = 1 / variances
    return float((len(weights) - 1) * weights.sum() / (weights.sum() ** 2 - (weights**2).sum()))
