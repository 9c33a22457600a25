"""Targets whose values spread over orders of magnitude: read as decimal logarithms, and given back as numbers of the table.

A volume of distribution of 1 and one of 2 L/kg are as far apart as 10 and 20. On the values themselves a few large ones are most of
the squared error, and a model learns of these alone; concentrations, half-lives, clearances, costs and stays are predicted better, and
told of better, by their ratios.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.errors import PlanError
from osler.core.plan import Decision, Plan
from osler.core.target import logarithms

TRANSFORM = "target.transform"
PLAIN, LOG = "none", "log10"
FEWEST = 50  # values under which a skewness tells little
SKEWED = 1.0  # skewness from which a target may be read as its logarithm, which must have less than half of it
SPREAD = 10.0  # times the twentieth part from below that the twentieth from above is, at least
MOST_STRETCH = 5.0  # from a median to a mean: more is one case's doing
_LARGEST = 300.0  # decimal logarithm of what a float holds


def rules(facts: Mapping[str, Any]) -> tuple[Decision, ...]:
    """Return how each target is read, a word, of several a list of them."""
    words = [LOG if log else PLAIN for log in logarithms(facts)]
    return (Decision(TRANSFORM, words if len(words) > 1 else words[0], _reason(facts), choices=(PLAIN, LOG)),)


def _reason(facts: Mapping[str, Any]) -> str:
    shapes = facts.get("shape") or [None] * len(facts["names"])
    told = [
        f"{name}: skewness {shape[0]:.2g}, of the logarithm {shape[1]:.2g}, nine tenths within {shape[2]:.2g}-fold"
        for name, log, shape in zip(facts["names"], logarithms(facts), shapes, strict=True)
        if log and shape
    ]
    if not told:
        return "differences count, not ratios: no target is above 0, over orders of magnitude and as skewed as a logarithm is for"
    return f"ratios count, not differences: {'; '.join(told)}; predictions are given back in the table's unit"


def chosen(
    values: np.ndarray, *, names: Sequence[str], info: Mapping[str, Any] | None, settings: Mapping[str, Any]
) -> list[bool]:
    """Return which columns of `values` (n, L), bounds among them, are read as logarithms: as a trained bundle's `info` says, as the
    user says, else those that `skewed` finds. Raises PlanError for words that cannot be."""
    if info is not None:
        return logarithms(info)
    if "transform" not in settings:
        return [skewed(column[~np.isnan(column)]) for column in values.T]
    one = len(names) == 1
    asked = Decision(TRANSFORM, PLAIN if one else [PLAIN] * len(names), "", choices=(PLAIN, LOG))
    words = Plan([asked]).set_by_user({TRANSFORM: settings["transform"]})[TRANSFORM]
    words = [words] if one else words
    if len(words) != len(names):
        raise PlanError(f"'{TRANSFORM}' has {len(words)} words for {len(names)} targets; give one for each, in their order")
    return [word == LOG for word in words]


def skewed(values: np.ndarray) -> bool:
    """Return whether ratios tell of `values` (n,) what differences do not: all above 0, over orders of magnitude, with a long tail that
    their logarithms lack."""
    if len(values) < FEWEST or not values.min() > 0:
        return False
    own, log, fold = shape(np.log10(values))
    return own > SKEWED and abs(log) < own / 2 and fold >= SPREAD


def shape(logs: np.ndarray) -> tuple[float, float, float]:
    """Return the skewness of the values with the decimal logarithms `logs` (n,), that of the logarithms, and the ratio of the values
    within which nine tenths lie."""
    from scipy.stats import skew

    if np.ptp(logs) <= 0:
        return 0.0, 0.0, 1.0
    low, high = np.quantile(logs, [0.05, 0.95])
    return float(skew(back(logs))), float(skew(logs)), float(back(high - low))


def taken(values: np.ndarray, logs: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Return `values` (n, L) with the logarithms of those columns, NaN where there is none, and which values (n, L) have none."""
    held = np.asarray(logs, bool)[None, :]
    lost = held & (values <= 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(held, np.log10(np.where(lost, np.nan, values)), values), lost


def back(logs: np.ndarray) -> np.ndarray:
    """Return the numbers of these decimal logarithms, finite."""
    return np.asarray(10.0 ** np.clip(logs, -_LARGEST, _LARGEST))


def stretch(guess: np.ndarray, truth: np.ndarray) -> float:
    """Return by what a median, the number of a predicted logarithm, is stretched to a mean: the mean of the ratios (Duan 1983), of
    logarithms `guess`, `truth` (n,); 1 where there are fewer than FEWEST."""
    if len(guess) < FEWEST:
        return 1.0
    return float(np.clip(back(truth - guess).mean(), 1 / MOST_STRETCH, MOST_STRETCH))
