"""Targets of which only a bound is known (">10"): how they are read, what training makes of them, and how they are scored.

A bound costs a prediction the square of how far it stays on the wrong side, and nothing beyond it (one-sided squared error, as
Chemprop's bounded loss). A Tobit likelihood would ask for a spread of errors, push predictions away from bounds that they already
keep, and could not be compared with the squared errors of exact values by which members are stopped and blended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.measure import Measure
from osler.core.plan import Decision, Plan
from osler.core.sums import added

if TYPE_CHECKING:
    from torch import Tensor

CENSORED, QUALIFIER = "target.censored", "target.qualifier"
MEASURES = (Measure("bounds_kept", "higher", "logit", proportion=True), Measure("bound_rmse", "lower", "log"))


def rules() -> tuple[Decision, ...]:
    """Return what becomes of bounds among the values of a target."""
    return (
        Decision(
            CENSORED,
            "use",
            "a value such as >10 is a bound: training takes a prediction beyond it for right",
            choices=("use", "drop", "refuse"),
        ),
        Decision(
            QUALIFIER, "", "column that holds the signs of the target (>, <, =), where they stand apart; * is the target's name"
        ),
    )


def chosen(settings: Mapping[str, Any]) -> str:
    """Return what becomes of bounds by `settings` without their prefix; raises PlanError for what cannot be."""
    own = {f"target.{name}": value for name, value in settings.items() if f"target.{name}" in {CENSORED, QUALIFIER}}
    return str(Plan(rules()).set_by_user(own)[CENSORED])


def counted(side: np.ndarray | None, names: list[str]) -> dict[str, list[list[int]]]:
    """Return under `bounds` how many values of each target lie below, and above, what is written; nothing where none does."""
    if side is None or not side.any():
        return {}
    return {"bounds": [[int((side[:, at] < 0).sum()), int((side[:, at] > 0).sum())] for at in range(len(names))]}


def one_sided(error: Tensor, side: Tensor | None) -> Tensor:
    """Return `error` (B, k) or (B, K, k), the prediction less the target, as 0 where it keeps the bound that `side` (B, k) tells of."""
    import torch

    if side is None:
        return error
    aside = side.unsqueeze(1) if error.ndim == 3 else side
    return torch.where(((aside > 0) & (error > 0)) | ((aside < 0) & (error < 0)), torch.zeros_like(error), error)


def measures(guess: np.ndarray, bound: np.ndarray, side: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return by name of MEASURES (r,) of predictions `guess` (n,) and bounds (n,), where `side` (n,) is not 0, in resamples `counts`
    (r, n): the share that lies on the right side, and the root mean square of how far they stay on the wrong one."""
    held = side != 0
    if not held.any():
        return {m.name: np.full(len(counts), np.nan) for m in MEASURES}
    short = np.maximum(0.0, side[held] * (bound[held] - guess[held]))
    size, kept, squares = added(counts[:, held], [np.stack([np.ones(len(short)), short == 0, short**2], axis=1)])[0].T
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"bounds_kept": kept / size, "bound_rmse": np.sqrt(squares / size)}
