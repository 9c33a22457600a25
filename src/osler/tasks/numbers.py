"""From columns of a table to numbers to be predicted, or to the reasons why there are none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.errors import Refusal, StudyError, did_you_mean
from osler.core.target import Target
from osler.tasks.labels import canonical


def read(columns: Mapping[str, np.ndarray], info: Mapping[str, Any] | None) -> tuple[Target, dict[int, Refusal]]:
    """Return the target and the refused rows (see Task.target)."""
    names = list(info["names"]) if info else list(columns)
    if not names:
        raise StudyError("regression needs a target column; name one with --target")
    missing = [name for name in names if name not in columns]
    if missing:
        raise StudyError([f"no target column '{name}'{did_you_mean(name, columns)}" for name in missing])
    parts = [_numbers(columns[name]) for name in names]
    values = np.stack([part for part, _ in parts], axis=1)
    if info is None:
        _refuse_nonsense(names, parts)
    nothing = Refusal("no_target", "the target is missing", names[0] if len(names) == 1 else None)
    refusals = dict.fromkeys(np.flatnonzero(np.isnan(values).all(axis=1)).tolist(), nothing)
    for name, (_, bad) in zip(names, parts, strict=True):
        refusals |= dict.fromkeys(np.flatnonzero(bad).tolist(), Refusal("bad_number", "not a finite number", name))
    values[list(refusals)] = np.nan
    return Target(values, ~np.isnan(values), {"kind": "regression", "names": names}), refusals


def _numbers(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values (n,), NaN where there is none, and which cells hold something that is no finite number."""
    if column.dtype.kind in "fiub":
        values = column.astype(np.float64)
        bad = np.isinf(values)
        return np.where(bad, np.nan, values), bad
    values, bad = np.full(len(column), np.nan), np.zeros(len(column), bool)
    for row, cell in enumerate(column):
        text = canonical(cell)
        if text is None:
            continue
        number = _number(text)
        if number is None:
            bad[row] = True
        else:
            values[row] = number
    return values, bad


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _refuse_nonsense(names: list[str], parts: list[tuple[np.ndarray, np.ndarray]]) -> None:
    faults = []
    for name, (values, bad) in zip(names, parts, strict=True):
        known = values[~np.isnan(values)]
        if not len(known) and bad.any():
            faults.append(
                f"target '{name}' holds no number that can be read; if it names classes, use --task classification, "
                "else write numbers with a decimal point and without units"
            )
        elif not len(known):
            faults.append(f"target '{name}' is missing in every row; name another column with --target")
        elif np.ptp(known) <= 1e-12 * np.abs(known).max():
            faults.append(f"target '{name}' has the same value in every row; there is nothing to predict")
    if faults:
        raise StudyError(faults)
