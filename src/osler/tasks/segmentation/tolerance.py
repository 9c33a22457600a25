"""How far apart two surfaces may lie and still count as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.grid import Grid
from osler.core.state import State
from osler.tasks.settings import setting

TOLERANCE = "tolerance"


def tolerance_of(state: State, grid: Grid, *, plan: Mapping[str, Any]) -> float:
    """Return the tolerance in mm: what the plan sets, else what was learned, else what the case's own grid asks for."""
    asked = float(setting(plan, "target.tolerance", default=0.0))
    return asked or float(state.values.get(TOLERANCE, 0.0)) or rounded_up([grid])


def rounded_up(grids: Sequence[Grid]) -> float:
    """Return the median over `grids` of the finest spacing, up to the next whole millimetre; below half a millimetre up to the
    next of 1, 2, 5 times a power of ten."""
    finest = float(np.median([grid.spacing.min() for grid in grids]))
    if finest > 0.5:
        return float(np.ceil(finest - 1e-3))
    power = 10.0 ** np.floor(np.log10(finest))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= finest * (1 - 1e-3)))
