"""Measures of numbers, for many resamples at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from osler.core.measure import Measure
from osler.core.ranks import spearman
from osler.core.sums import added
from osler.core.target import logarithms
from osler.tasks import bounds, logarithm
from osler.tasks.labels import safe_names
from osler.tasks.multiclass import mean_of_known

# Statistics of a case, per target: the observed value (NaN where unobserved), the prediction, and the usual error at such a
# prediction (equal where no case is surer than another), in the target's unit, or that of its logarithm; that unit: its standard deviation in
# training; and of a value that is only a bound this (else NaN), with its side (1 above, -1 below, else 0).
TRUTH, GUESS, SPREAD, UNIT, BOUND, SIDE = range(6)
WIDTH = 6

MEASURES = (
    Measure("rmse", "lower", "log"),
    Measure("mae", "lower", "log"),
    Measure("r2", "higher", most=1.0, by_subgroup=False),
    Measure("spearman", "higher", most=1.0, by_subgroup=False),
    Measure("calibration_slope", "higher"),
    Measure("calibration_intercept", "higher"),
)

# Of a target that is held as its logarithm: its errors are ratios.
LOGARITHMS = (
    Measure("rmse_log10", "lower", "log"),
    Measure("mae_log10", "lower", "log"),
    Measure("fold_error", "lower", "log"),
    Measure("within_twofold", "higher", "logit", proportion=True),
    *MEASURES[2:],
)

# Of several targets these are means, which no unit enters.
MEANS = (
    Measure("scaled_rmse", "lower", "log"),
    *(m for m in MEASURES if m.name in {"r2", "spearman", "calibration_slope"}),
)


def measured(info: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Return the measures of the targets of `info`: of several, means of what has no unit first, then those of each."""
    own = [_of_each(bounded, log) for bounded, log in _kinds(info)]
    if len(own) == 1:
        return own[0]
    named = zip(safe_names(info["names"]), own, strict=True)
    return (*MEANS, *(replace(m, name=f"{m.name}_{name}") for name, each in named for m in each))


def _kinds(info: Mapping[str, Any]) -> list[tuple[bool, bool]]:
    """Return of each target (L,) whether some of its values are bounds, and whether it is held as its logarithm."""
    bounded = [bool(flag) for flag in info.get("bounded") or [False] * len(info["names"])]
    return list(zip(bounded, logarithms(info), strict=True))


def _of_each(bounded: bool, log: bool) -> tuple[Measure, ...]:
    return (*(LOGARITHMS if log else MEASURES), *(bounds.MEASURES if bounded else ()))


def _named(found: Mapping[str, Any], kind: tuple[bool, bool]) -> dict[str, Any]:
    """Return the values of the measures of a target of such a kind."""
    alike = {"rmse_log10": "rmse", "mae_log10": "mae"}
    return {m.name: found[alike.get(m.name, m.name)] for m in _of_each(*kind)}


def part(statistics: np.ndarray, number: int) -> np.ndarray:
    """Return the statistics (n, 6) of target `number` of (n, 6 L)."""
    return statistics[:, number * WIDTH : (number + 1) * WIDTH]


def measures(statistics: np.ndarray, counts: np.ndarray, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return each measure (r,) of resamples `counts` (r, n); NaN where it does not exist (a constant outcome)."""
    names, kinds = info["names"], _kinds(info)
    each = [_one(part(statistics, number), counts, bounded=bounded) for number, (bounded, _) in enumerate(kinds)]
    own = [_named(one, kind) for one, kind in zip(each, kinds, strict=True)]
    if len(names) == 1:
        return own[0]
    units = [float(mean_of_known(part(statistics, number)[:, UNIT])) for number in range(len(names))]  # of folds, their mean
    scaled = [{**one, "scaled_rmse": one["rmse"] / unit} for one, unit in zip(each, units, strict=True)]
    out = {m.name: mean_of_known(np.stack([one[m.name] for one in scaled], axis=1)) for m in MEANS}
    for name, one in zip(safe_names(names), own, strict=True):
        out |= {f"{measure}_{name}": values for measure, values in one.items()}
    return out


def _one(statistics: np.ndarray, counts: np.ndarray, *, bounded: bool) -> dict[str, np.ndarray]:
    found = _exact(statistics, counts)
    if bounded:
        found |= bounds.measures(statistics[:, GUESS], statistics[:, BOUND], statistics[:, SIDE], counts)
    return found


def _exact(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    known = ~np.isnan(statistics[:, TRUTH])
    if not known.all():
        statistics, counts = statistics[known], counts[:, known]
    if not len(statistics):
        return {m.name: np.full(len(counts), np.nan) for m in (*MEASURES, *LOGARITHMS)}
    return {**_sums(statistics, counts), "spearman": spearman(statistics[:, TRUTH], statistics[:, GUESS], counts)}


def _sums(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    # sums of squares about a middle far from the values would lose their digits
    middle = float(statistics[:, TRUTH].mean() - statistics[:, GUESS].mean())
    truth = statistics[:, TRUTH] - statistics[:, TRUTH].mean()
    guess = statistics[:, GUESS] - statistics[:, GUESS].mean()
    error = statistics[:, GUESS] - statistics[:, TRUTH]
    near = np.abs(error) <= _TWOFOLD
    own = np.ones(len(truth)), error**2, np.abs(error), truth, truth**2, guess, guess**2, truth * guess, near
    size, squares, absolute, y, yy, g, gg, yg, twofold = added(counts, [np.stack(own, axis=1)])[0].T
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "rmse": np.sqrt(squares / size),
            "mae": absolute / size,
            "fold_error": logarithm.back(absolute / size),
            "within_twofold": twofold / size,
            "r2": 1 - squares / _positive(yy - y**2 / size, yy),
            "calibration_slope": (yg - y * g / size) / _positive(gg - g**2 / size, gg),
            "calibration_intercept": (y - g) / size + middle,  # with slope one: the mean of observed less predicted
        }


_TWOFOLD = np.log10(2) * (1 + 1e-12)  # of decimal logarithms; a ratio of 2 counts


def _positive(spread: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.where(spread > 1e-12 * scale, spread, np.nan)


def support(statistics: np.ndarray, *, info: Mapping[str, Any]) -> Mapping[str, float]:
    """Return by measure how many cases carry it (see Task.support)."""
    names, kinds = info["names"], _kinds(info)
    each = [_supported(part(statistics, number), bounded=bounded) for number, (bounded, _) in enumerate(kinds)]
    own = [_named(one, kind) for one, kind in zip(each, kinds, strict=True)]
    if len(names) == 1:
        return own[0]
    each = [{**one, "scaled_rmse": one["rmse"]} for one in each]
    out = {m.name: max(one[m.name] for one in each) for m in MEANS}
    for name, one in zip(safe_names(names), own, strict=True):
        out |= {f"{measure}_{name}": size for measure, size in one.items()}
    return out


def _supported(statistics: np.ndarray, *, bounded: bool) -> dict[str, float]:
    found = _carried(statistics)
    if bounded:
        found |= dict.fromkeys((m.name for m in bounds.MEASURES), float((statistics[:, SIDE] != 0).sum()))
    return found


_LEAST_CARRIED = 10.0


def _carried(statistics: np.ndarray) -> dict[str, float]:
    """Return by measure how many normal cases would tell its spread as surely as these do.

    A variance of n values of kurtosis k is known as well as one of 2 n / (k - 1) degrees of freedom (Satterthwaite 1946; the values
    are what each case moves the measure by): a few large errors carry most of an RMSE. Ten at least, or all cases.
    """
    known = statistics[~np.isnan(statistics[:, TRUTH])]
    size = float(len(known))
    if size <= _LEAST_CARRIED:
        return {m.name: size for m in (*MEASURES, *LOGARITHMS)}
    truth, guess = known[:, TRUTH], known[:, GUESS]
    error, y, g = guess - truth, truth - truth.mean(), guess - guess.mean()
    share = float(np.mean(error**2) / np.mean(y**2)) if np.ptp(y) > 0 else 1.0
    slope = float(g @ y / (g @ g)) if np.ptp(g) > 0 else 0.0
    moved = {
        "rmse": error**2,
        "mae": np.abs(error),
        "fold_error": np.abs(error),
        "r2": error**2 - share * y**2,
        "calibration_slope": g * (y - slope * g),
        "calibration_intercept": error,
    }
    return {m.name: freedom(moved[m.name]) if m.name in moved else size for m in (*MEASURES, *LOGARITHMS)}


def freedom(moved: np.ndarray) -> float:
    """Return how many normal values would tell their spread as surely as what each case moves a mean by, `moved` (n,)."""
    away = moved - moved.mean()
    square = float(np.mean(away**2))
    if not square > 1e-24 * float(np.mean(moved**2)):
        return float(len(moved))
    kurtosis = float(np.mean((away / np.sqrt(square)) ** 4))
    return float(np.clip(2 * len(moved) / max(kurtosis - 1, 1e-9) + 1, _LEAST_CARRIED, len(moved)))
