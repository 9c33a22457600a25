"""What moves a prediction, by how much, and away from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that attributions are summed over: a column, or an input as a whole.

    `kind` says whether its values have an order ("number"), are `levels` ("category": key in the columns to the word that a
    reader knows, words that at least five groups share), or cannot be set one by one ("whole").
    """

    name: str
    kind: Literal["number", "category", "whole"] = "whole"
    levels: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One thing that a prediction says, on the scale on which attributions add up.

    score = raw · `weights` (k,) + `intercept`, with the calibration in it. `target` and `level` name it: the column that is
    predicted, and its class ("" for a number). `column` is that of `Task.decode` which a user reads. `main` is explained unless
    another is asked for; of a target without a main answer, the most probable one. `scale`: "log-odds" of a class against
    all else, "relative log-odds" against the mean of all classes, "value" in the target's unit, "logarithm" to base 10 of it, or "raw".
    """

    target: str
    level: str
    column: str
    weights: np.ndarray
    intercept: float = 0.0
    main: bool = True
    scale: Literal["log-odds", "relative log-odds", "value", "logarithm", "raw"] = "raw"

    @property
    def name(self) -> str:
        """Target and class in one."""
        return f"{self.target}: {self.level}" if self.level else self.target


@dataclass(frozen=True, slots=True)
class Attribution:
    """For n cases, a answers, f features: `values` (n, a, f), and the `score` (n, a) and `reference` (n, a) that they lead
    between: values.sum(2) + reference = score, but for `error`. `maps` by input name (n, a, channels, i, j[, k]): what each place of
    an input on a grid adds to the value of that input; of events (n, a, e, 2), and only where all n cases have as many."""

    values: np.ndarray
    reference: np.ndarray
    score: np.ndarray
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def error(self) -> np.ndarray:
        """What the values miss of the score (n, a)."""
        return np.asarray(self.score - self.reference - self.values.sum(axis=2))

    def plus(self, other: Attribution) -> Attribution:
        """Return the sum of both."""
        maps = {**self.maps, **{k: self.maps[k] + grid if k in self.maps else grid for k, grid in other.maps.items()}}
        return Attribution(self.values + other.values, self.reference + other.reference, self.score + other.score, maps)

    def times(self, factor: float) -> Attribution:
        """Return each number times `factor`."""
        maps = {name: factor * values for name, values in self.maps.items()}
        return Attribution(factor * self.values, factor * self.reference, factor * self.score, maps)

    def shifted(self, intercept: np.ndarray) -> Attribution:
        """Return the attribution with `intercept` (a,) added to score and reference."""
        return Attribution(self.values, self.reference + intercept, self.score + intercept, self.maps)


def mean_of(parts: list[Attribution]) -> Attribution:
    """Return the mean of attributions of the same cases by several models."""
    total = parts[0]
    for part in parts[1:]:
        total = total.plus(part)
    return total.times(1 / len(parts))
