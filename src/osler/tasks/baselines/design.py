"""Features as a linear model needs them: without gaps, on one scale, categories as flags."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

SPREAD = 1.349  # interquartile range of a normal distribution with deviation 1
LIMIT = 4.0  # squeezed numbers lie within ±LIMIT, so that one outlier cannot carry a prediction away
RAREST = 5  # a gap or a category that fewer cases share gets no flag
KNOTS = (0.1, 0.3, 0.5, 0.7, 0.9)
FORMS = ("plain", "squeezed", "hinged")  # as they are; without outliers; squeezed and bent at KNOTS (an additive model)


@dataclass(frozen=True, slots=True)
class Design:
    """How features (m, f) become a design matrix (m, P).

    Blocks beside one another: scaled numbers (those that vary), hinges max(0, scaled - knot) where `knots` are given, flags
    of missing values, flags of categories. `number`, `gap`: positions of features; `center`, `scale` (numbers,) rounded to
    three digits of the spread, so that they are nobody's value; `limit` (1,) squeezes scaled numbers, infinite where it does
    not; `knots` (hinges, 2): which number, where (scaled); `flags` (flags, 2): feature and code.
    """

    number: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    limit: np.ndarray
    knots: np.ndarray
    gap: np.ndarray
    flags: np.ndarray

    @property
    def width(self) -> int:
        """P."""
        return len(self.number) + len(self.knots) + len(self.gap) + len(self.flags)

    @property
    def owner(self) -> np.ndarray:
        """The feature (P,) from which each column of the design comes."""
        hinged = self.number[self.knots[:, 0].astype(np.int64)]
        return np.concatenate([self.number, hinged, self.gap, self.flags[:, 0]]).astype(np.int64)

    def middle(self) -> np.ndarray:
        """Return the row (P,) of a case whose numbers all lie at their centre, without a gap or a category."""
        row = np.zeros(self.width)
        numbers, hinges = len(self.number), len(self.knots)
        row[numbers : numbers + hinges] = np.maximum(-self.knots[:, 1], 0)
        return row

    def matrix(self, features: np.ndarray) -> np.ndarray:
        """Return (m, P) float32."""
        out = np.empty((len(features), self.width), np.float32)
        numbers, at = len(self.number), len(self.number)
        out[:, :at] = self.scaled(features)
        for hinge, (column, knot) in enumerate(self.knots):
            np.maximum(out[:, int(column)] - np.float32(knot), 0, out=out[:, numbers + hinge])
        at += len(self.knots)
        out[:, at : at + len(self.gap)] = np.isnan(features[:, self.gap])
        at += len(self.gap)
        out[:, at:] = features[:, self.flags[:, 0]] == self.flags[:, 1].astype(np.float32)
        return out

    def scaled(self, features: np.ndarray) -> np.ndarray:
        """Return the scaled numbers (m, numbers), missing ones at the middle."""
        scaled = (features[:, self.number] - self.center.astype(np.float32)) / self.scale.astype(np.float32)
        scaled[np.isnan(scaled)] = 0.0
        return scaled / np.sqrt(1 + np.square(scaled / self.limit.astype(np.float32)))


def fit_design(features: np.ndarray, categorical: np.ndarray, *, form: str, most_flags: int = 2000) -> Design:
    """Return the design of a form among FORMS; constant numbers, rare gaps and rare categories are left out."""
    numeric = np.flatnonzero(~categorical)
    center, scale = _scales(features[:, numeric], robust=form != "plain")
    real = scale > 0
    missing = np.isnan(features).sum(0)
    gap = np.flatnonzero((missing >= min(RAREST, len(features) // 10 + 1)) & (missing <= len(features) - 1))
    limit = np.array([np.inf if form == "plain" else LIMIT])
    flags = _flags(features, categorical, most=most_flags)
    bare = Design(numeric[real], center[real], scale[real], limit, np.empty((0, 2)), gap, flags)
    return replace(bare, knots=_knots(bare.scaled(features))) if form == "hinged" else bare


def rounded(value: np.ndarray, *, spread: np.ndarray) -> np.ndarray:
    """Return values rounded to three significant digits of their spread."""
    unit = 10.0 ** (np.floor(np.log10(np.where(spread > 0, spread, 1.0))) - 2)
    return np.round(value / unit) * unit


def _scales(numbers: np.ndarray, *, robust: bool) -> tuple[np.ndarray, np.ndarray]:
    if not numbers.size:
        return np.zeros(numbers.shape[1]), np.zeros(numbers.shape[1])
    low, middle, high = _quartiles(numbers)
    away = np.where(np.isnan(numbers), 0.0, numbers - middle)
    count = np.maximum((~np.isnan(numbers)).sum(0), 1)
    deviation = np.sqrt(np.maximum(np.square(away).sum(0) / count - np.square(away.sum(0) / count), 0))
    # Half of a column of counts may be one value: where the quartiles coincide the deviation takes over.
    quartiles = np.where(high > low, np.minimum((high - low) / SPREAD, deviation), deviation)
    scale = quartiles if robust else deviation
    scale = np.where(scale > 1e-7 * np.maximum(np.abs(middle), 1e-30), scale, 0.0)
    return rounded(middle, spread=scale), rounded(scale, spread=scale)


def _quartiles(numbers: np.ndarray) -> np.ndarray:
    """Return (3, p) float64 of numbers (m, p), zeros where a column is empty; numpy's own goes column by column."""
    ordered = np.sort(numbers.T, axis=1)  # NaN last
    last = (~np.isnan(ordered)).sum(1, keepdims=True) - 1
    place = np.maximum(last, 0) * np.array([0.25, 0.5, 0.75])
    lower = np.take_along_axis(ordered, np.floor(place).astype(np.int64), axis=1).astype(np.float64)
    upper = np.take_along_axis(ordered, np.ceil(place).astype(np.int64), axis=1).astype(np.float64)
    found: np.ndarray = np.where(last < 0, 0.0, lower + (upper - lower) * (place % 1))
    return found.T


def _flags(features: np.ndarray, categorical: np.ndarray, *, most: int) -> np.ndarray:
    found: list[tuple[int, int, int]] = []
    for column in np.flatnonzero(categorical):
        codes, counts = np.unique(features[:, column][~np.isnan(features[:, column])], return_counts=True)
        rarest = min(RAREST, len(features) // 10 + 1)
        found += [(-int(n), int(column), int(c)) for c, n in zip(codes, counts, strict=True) if n >= rarest]
    kept = sorted((column, code) for _, column, code in sorted(found)[:most])
    return np.array(kept, np.int64).reshape(-1, 2)


def _knots(scaled: np.ndarray) -> np.ndarray:
    rows: list[tuple[int, float]] = []
    for column in range(scaled.shape[1]):
        distinct = np.unique(scaled[:, column])
        if len(distinct) < 2 * len(KNOTS):
            continue
        places = np.unique(np.round(np.quantile(scaled[:, column], KNOTS), 2))
        rows += [(column, float(k)) for k in places if distinct[0] < k < distinct[-1]]
    return np.array(rows, np.float64).reshape(-1, 2)
