"""Conformal prediction: how far a score must reach so that a new case's truth is held as often as was promised.

The quantile is that of held-out scores (Vovk, Gammerman and Shafer 2005; Lei et al. 2018). Where cases share a group, each
group weighs the same and the promise is for a case of a new group (Dunn, Wasserman and Ramdas 2023; the finite-sample form
with its weight at infinity is Lee, Barber and Willett 2023). With cross-fitting the scores are those of the out-of-fold
predictions, pooled: docs/decisions/0011-conformal-prediction.md says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from osler.core.plan import Decision
from osler.core.sums import Sums, compact
from osler.tasks.settings import setting

T = TypeVar("T")

LEVELS = (80, 90, 95)
OFFERED = (50, 60, 70, 75, 80, 85, 90, 95, 98, 99)
SHOWN = 90  # the level whose sets and intervals stand beside each prediction
HOW, AT = "target.conformal", "target.conformal_levels"


def rules(*, by_class: bool) -> tuple[Decision, ...]:
    """Return the decisions: whether and how sets or intervals are made, and at which levels."""
    choices = ("marginal", "class-conditional", "none") if by_class else ("marginal", "none")
    reason = "sets" if by_class else "intervals"
    return (
        Decision(HOW, "marginal", f"{reason} hold the truth as often as their level says, over all cases", "rule", choices),
        Decision(AT, list(LEVELS), f"percent of new cases whose truth the {reason} shall hold", "rule", OFFERED),
    )


def levels(plan: Mapping[str, Any]) -> list[int]:
    """Return the levels in percent, ascending; none where the plan switches conformal prediction off, or knows none."""
    if setting(plan, HOW, default="none") == "none":
        return []
    return sorted({int(level) for level in setting(plan, AT, default=LEVELS)})


def shown(known: np.ndarray) -> int | None:
    """Return which of `known` levels stands beside predictions: that of 90%, else the highest; None where there is none."""
    places = np.flatnonzero(known == SHOWN)
    if len(places):
        return int(places[0])
    return len(known) - 1 if len(known) else None


def quantile(scores: np.ndarray, level: int, *, groups: np.ndarray | None = None) -> float:
    """Return the score that a new case stays at or below with a chance of at least `level` percent.

    Of n `scores` (n,) the ⌈(n + 1) level⌉-th smallest; infinite where n is too small for the level. With `groups` (n,) every
    group of K weighs 1 / (K + 1), shared among its cases, and the rest lies at infinity: equal where no group repeats.
    """
    if not len(scores):
        return float("inf")
    order = np.argsort(scores)
    weight, count = np.ones(len(scores)), len(scores)
    if groups is not None:
        _, code, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        weight, count = 1.0 / sizes[code.reshape(-1)], len(sizes)
    needed = (count + 1) * level / 100
    place = int(np.searchsorted(np.cumsum(weight[order]), needed * (1 - 1e-9)))
    return float(scores[order[place]]) if place < len(order) else float("inf")


def upwards(value: float, step: float) -> float:
    """Return the next multiple of `step` at or above `value`: no single case's number, and never less than what it promised."""
    return float(np.ceil(value / step - 1e-9) * step) if np.isfinite(value) else value


def readable(step: float) -> float:
    """Return the greatest of 1, 2, 5 times a power of ten that is not above `step`."""
    power = 10.0 ** np.floor(np.log10(step))
    return float(next(factor * power for factor in (5, 2, 1) if factor * power <= step * (1 + 1e-9)))


def once(function: Callable[[np.ndarray], T]) -> Callable[[np.ndarray], T]:
    """Return `function` of statistics such that asking again about the same array costs nothing: a view is asked per block of
    resamples."""
    last: list[tuple[np.ndarray, T]] = []

    def asked(statistics: np.ndarray) -> T:
        known = next((value for held, value in last[:1] if held is statistics), None)
        if known is None:  # resamples are measured side by side: what another thread puts here must not be given back
            known = function(statistics)
            last[:] = [(statistics, known)]
        return known

    return asked


Pairs = dict[str, tuple[np.ndarray, np.ndarray]]


def ratios(
    pairs: Callable[[np.ndarray], Pairs],
    *,
    turned: Callable[[np.ndarray], np.ndarray] = np.asarray,
    more: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]] | None = None,
    names: Sequence[str],
) -> Sums:
    """Return measures `names`, each the sum of the first over the sum of the second of its `pairs` (n,) of columns, NaN over 0, and
    then `turned`; `more` as in Sums."""

    def columns(statistics: np.ndarray) -> np.ndarray:
        found = pairs(statistics)
        whole = all(compact(column[:, None]).dtype == np.uint8 for name in names for column in found[name])
        kind = np.uint8 if whole else np.float64
        return np.stack([column.astype(kind) for name in names for column in found[name]], axis=1)

    def measures(sums: np.ndarray) -> dict[str, np.ndarray]:
        over, under = sums[:, 0::2], sums[:, 1::2]
        found = turned(np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0))
        return dict(zip(names, found.T, strict=True))

    return Sums(columns, measures, more)
