"""What is measured of one case, and how it is told of many: patients weigh alike, and intervals are over patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from osler.core.measure import Measure
from osler.core.scores import Value
from osler.generation.interval import mean_value
from osler.generation.translation.similarity import decibels, errors, structural

MEASURES = (
    Measure("mae", "lower", "log"),
    Measure("ssim", "higher", "identity", most=1.0),
    Measure("psnr", "higher", "identity"),
)
FLAT = 1e-3  # of the range: an exact image has no finite PSNR, one this near counts for it


def line(found: np.ndarray, truth: np.ndarray, body: np.ndarray, *, span: float) -> tuple[float, float, float]:
    """Return mean absolute error, structural similarity and PSNR of an image (channels, i, j[, k]) inside the `body` (i, j[, k])."""
    absolute, squared = errors(found[:, body], truth[:, body])
    likeness = np.mean([_likeness(one, other, body, span=span) for one, other in zip(found, truth, strict=True)])
    return absolute, float(likeness), decibels(max(squared, (FLAT * span) ** 2), span=span)


def _likeness(found: np.ndarray, truth: np.ndarray, body: np.ndarray, *, span: float) -> float:
    """Return the mean structural similarity inside, slices of a volume each by itself."""
    if found.ndim == 3:
        found, truth, body = (np.moveaxis(one, -1, 0) for one in (found, truth, body))
    return float(structural(found, truth, span=span)[body].mean())


@dataclass(frozen=True, slots=True)
class Table:
    """The lines of the tested cases by system: `lines` (cases, measures) each, and their `groups` (cases,)."""

    lines: Mapping[str, np.ndarray]
    groups: np.ndarray

    def pooled(self, system: str) -> np.ndarray:
        """Return (groups, measures): the mean over the cases of each group."""
        return by_group(self.lines[system], self.groups)

    def values(self, system: str, *, seed: int) -> dict[str, Value]:
        """Return each measure's mean over groups with its interval."""
        pooled = self.pooled(system)
        return {m.name: valued(m, pooled[:, at], seed=seed) for at, m in enumerate(MEASURES)}

    def differences(self, first: str, second: str, *, seed: int) -> dict[str, Value]:
        """Return of each measure the paired difference `first` − `second`, with its interval."""
        away = self.pooled(first) - self.pooled(second)
        return {m.name: valued(Measure(m.name, m.better), away[:, at], seed=seed) for at, m in enumerate(MEASURES)}


def by_group(lines: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return (groups, …) the mean of `lines` (cases, …) over each group."""
    _, code = np.unique(groups, return_inverse=True)
    sums = np.zeros((int(code.max(initial=-1)) + 1, *lines.shape[1:]))
    np.add.at(sums, code, lines)
    return sums / np.bincount(code).reshape(-1, *(1,) * (lines.ndim - 1))


def valued(measure: Measure, each: np.ndarray, *, seed: int) -> Value:
    """Return the mean of one number a group, with the house's 95% interval over them."""
    return mean_value(each, groups=None, seed=seed, measure=measure)


def plain(value: float) -> str:
    """Return a number of three digits as a person writes it.

    >>> plain(0.08421), plain(52.83), plain(1099.3)
    ('0.0842', '52.8', '1,099')
    """
    return f"{value:.3g}" if not abs(value) >= 1000 else f"{value:,.0f}"


def word(measure: Measure, difference: Value) -> str:
    """Return "better", "worse", or "no difference shown", of a difference with its interval."""
    if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
        return "no difference shown"
    up = difference.low > 0
    return "better" if up == (measure.better == "higher") else "worse"
