"""How tasks read the plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.errors import OslerError
from osler.core.target import Target


def setting(plan: Mapping[str, Any], name: str, *, default: Any) -> Any:
    """Return the decision `name`, or `default` where the plan has none (a plan of an older bundle)."""
    return plan[name] if name in plan else default  # noqa: SIM401 - a Plan raises its own error, not KeyError


def chosen_rows(raw: np.ndarray, target: Target, rows: np.ndarray) -> tuple[np.ndarray, Target]:
    """Return raw outputs and target of `rows`; `raw` holds all cases of `target`, or those of `rows` alone."""
    alone = len(raw) == len(rows) and len(raw) != len(target)
    return finite(raw if alone else raw[rows]), target.take(rows)


def finite(raw: np.ndarray) -> np.ndarray:
    """Return raw outputs (n, k) float64; raises OslerError where one is not a number: a diverged training."""
    values = np.asarray(raw, np.float64)
    if np.isnan(values).any():
        raise OslerError(
            f"{int(np.isnan(values).any(axis=1).sum())} of {len(values)} cases have raw outputs that are not numbers: "
            "training has diverged; lower 'fit.learning_rate', or look for extreme values in the inputs"
        )
    return values
