"""Measures of marks over cases, for many resamples at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from osler.core.measure import Measure
from osler.core.ranks import spearman
from osler.core.sums import added
from osler.tasks.continuous import freedom
from osler.tasks.labels import safe_names
from osler.tasks.multiclass import mean_of_known
from osler.tasks.segmentation import lines

# Each is a mean over the cases in which it has a value, of several labels the mean over labels of that.
MEANS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "dice": lines.dice,
    "iou": lines.overlap,
    "nsd": lambda parts: parts[..., lines.NSD],
    "hd95": lambda parts: parts[..., lines.HD95],
    "assd": lambda parts: parts[..., lines.ASSD],
    "one_sided": lines.one_sided,
    "volume_error": lines.relative_error,
    "volume_difference": lambda parts: np.abs(parts[..., lines.VOLUME_MARKED] - parts[..., lines.VOLUME]),
    "quality_error": lambda parts: np.abs(lines.expected(parts) - lines.dice(parts)),
}
OF_LABELS = (
    Measure("dice", "higher", "logit", most=1.0),
    Measure("iou", "higher", "logit", most=1.0),
    Measure("nsd", "higher", "logit", most=1.0),
    Measure("hd95", "lower", "log"),
    Measure("assd", "lower", "log"),
    Measure("one_sided", "lower", "logit", most=1.0),
    Measure("volume_error", "lower", "log"),
    Measure("volume_difference", "lower", "log"),
)
OF_PROBABILITIES = (
    Measure("ece", "lower", "log"),
    Measure("quality_error", "lower", "log"),
    Measure("quality_correlation", "higher", most=1.0, by_subgroup=False),
)


def measured(info: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Return the measures; the mean Dice is the first. Of several labels those of each stand behind the means over labels."""
    names = safe_names(info["names"])
    own = tuple(replace(m, name=f"{m.name}_{name}", by_subgroup=False) for name in names for m in OF_LABELS)
    return (*OF_LABELS, *OF_PROBABILITIES, *(own if len(names) > 1 else ()))


def measures(statistics: np.ndarray, counts: np.ndarray, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return each measure (r,) of resamples `counts` (r, n) of cases with `statistics` (n, s); NaN where no case has a value."""
    names = safe_names(info["names"])
    parts = lines.split(statistics, len(names))
    values = {name: find(parts) for name, find in MEANS.items()}
    means = dict(zip(values, _means(np.stack(list(values.values())), counts), strict=True))
    found = {name: mean_of_known(mean) for name, mean in means.items()}
    found |= {"ece": _calibration_error(parts, counts), "quality_correlation": _correlation(parts, counts)}
    if len(names) > 1:
        found |= {f"{m.name}_{name}": means[m.name][:, at] for at, name in enumerate(names) for m in OF_LABELS}
    return found


def of_label(
    statistics: np.ndarray, counts: np.ndarray, *, info: Mapping[str, Any], label: int, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return the measures `names` (r,) of one label in each resample."""
    part = lines.split(statistics, len(info["names"]))[:, [label]]
    found = _means(np.stack([MEANS[name](part) for name in names]), counts)
    return {name: mean[:, 0] for name, mean in zip(names, found, strict=True)}


def support(statistics: np.ndarray, *, info: Mapping[str, Any]) -> Mapping[str, float]:
    """Return by measure how many normal cases would tell its mean as surely as these do (see `continuous.freedom`)."""
    names = safe_names(info["names"])
    parts = lines.split(statistics, len(names))
    values = {name: find(parts) for name, find in MEANS.items()}
    found = {name: _carried(mean_of_known(value)) for name, value in values.items()}
    whole = float((~np.isnan(values["dice"])).any(axis=1).sum())
    found |= {"ece": whole, "quality_correlation": whole}
    if len(names) > 1:
        found |= {f"{m.name}_{name}": _carried(values[m.name][:, at]) for at, name in enumerate(names) for m in OF_LABELS}
    return found


def by_case(statistics: np.ndarray, *, info: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return of each case (n,) its Dice and the Dice that was expected: means over the labels that truth or prediction has."""
    parts = lines.split(statistics, len(info["names"]))
    return _by_case(parts)


def _by_case(parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    actual = lines.dice(parts)
    return mean_of_known(actual), mean_of_known(np.where(np.isnan(actual), np.nan, lines.expected(parts)))


def _means(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return (m, r, labels) the mean of what is known of values (m, n, labels) in each resample."""
    kinds, cases, labels = values.shape
    flat = values.transpose(1, 0, 2).reshape(cases, kinds * labels)
    known = ~np.isnan(flat)
    sums, sizes = added(counts, [np.where(known, flat, 0.0), known.view(np.uint8)])
    mean = np.divide(sums, sizes, out=np.full(sums.shape, np.nan), where=sizes > 0)
    return mean.reshape(len(counts), kinds, labels).transpose(1, 0, 2)


def _calibration_error(parts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return (r,) the mean distance of probability from truth over bins of places, of several labels the mean."""
    bins = np.nan_to_num(parts[:, :, lines.FIRST_BIN :]).reshape(len(parts), -1)
    sums = added(counts, [bins])[0].reshape(len(counts), parts.shape[1], 3, lines.BINS)
    size, chance, truth = (sums[:, :, part] for part in range(3))
    total = size.sum(axis=2)
    away = np.abs(chance - truth).sum(axis=2)
    return mean_of_known(np.divide(away, total, out=np.full(total.shape, np.nan), where=total > 0))


def _correlation(parts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    actual, expected = _by_case(parts)
    known = ~np.isnan(actual) & ~np.isnan(expected)
    if known.sum() < 2:
        return np.full(len(counts), np.nan)
    return spearman(expected[known], actual[known], np.ascontiguousarray(counts[:, known]))


def _carried(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return freedom(known) if len(known) else 0.0
