"""From columns of a table to numbers to be predicted, or to the reasons why there are none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.core.bounds import parted
from osler.core.errors import Refusal, StudyError, did_you_mean
from osler.core.target import Target
from osler.tasks import bounds, logarithm
from osler.tasks.labels import canonical


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A column as numbers: `values` (n,), NaN where there is none; `side` (n,) int8, 1 where the true number lies above, -1 where
    below; `bad` (n,) which cells hold something that is no finite number."""

    values: np.ndarray
    side: np.ndarray
    bad: np.ndarray


def read(
    columns: Mapping[str, np.ndarray], info: Mapping[str, Any] | None, *, settings: Mapping[str, Any]
) -> tuple[Target, dict[int, Refusal]]:
    """Return the target and the refused rows (see Task.target)."""
    names = list(info["names"]) if info else list(columns)
    if not names:
        raise StudyError("regression needs a target column; name one with --target")
    missing = [name for name in names if name not in columns]
    if missing:
        raise StudyError([f"no target column '{name}'{did_you_mean(name, columns)}" for name in missing])
    parts = [_numbers(columns[name]) for name in names]
    if info is None:
        _refuse_nonsense(names, parts)
    values, side = (np.stack([getattr(part, kind) for part in parts], axis=1) for kind in ("values", "side"))
    refusals = _refusals(names, parts, bounds.chosen(settings))
    if bounds.chosen(settings) != "use":
        values, side = np.where(side != 0, np.nan, values), np.zeros_like(side)
    values[list(refusals)], side[list(refusals)] = np.nan, 0
    logs = logarithm.chosen(values, names=names, info=info, settings=settings)
    values, lost = logarithm.taken(values, logs)
    refusals |= _without_logarithm(names, lost)
    values[list(refusals)], side[list(refusals)] = np.nan, 0
    held = side.any(axis=0)
    told = info.get("bounded") if info else held.tolist() if held.any() else None
    about = {
        "kind": "regression",
        "names": names,
        **({"bounded": told} if told else {}),
        **({"logarithm": logs} if any(logs) else {}),
    }
    return Target(values, ~np.isnan(values) & (side == 0), about, side=side if held.any() else None), refusals


def _refusals(names: list[str], parts: list[_Numbers], bounded: str) -> dict[int, Refusal]:
    """Return the rows without any number, then those with a cell that is none, and those that the choice `bounded` leaves out."""
    own = names[0] if len(names) == 1 else None
    numbers = np.stack([~np.isnan(part.values) for part in parts], axis=1)
    exact = np.stack([~np.isnan(part.values) & (part.side == 0) for part in parts], axis=1)
    lost = {"use": np.zeros(len(exact), bool), "drop": ~exact.any(axis=1), "refuse": (numbers & ~exact).any(axis=1)}[bounded]
    only = Refusal("bound", "a bound, which the study leaves out, is no exact number", own)
    refusals = dict.fromkeys(np.flatnonzero(lost).tolist(), only)
    nothing = Refusal("no_target", "the target is missing", own)
    refusals |= dict.fromkeys(np.flatnonzero(~numbers.any(axis=1)).tolist(), nothing)
    for name, part in zip(names, parts, strict=True):
        refusals |= dict.fromkeys(np.flatnonzero(part.bad).tolist(), Refusal("bad_number", "not a finite number", name))
    return refusals


def _without_logarithm(names: list[str], lost: np.ndarray) -> dict[int, Refusal]:
    return {
        row: Refusal("no_logarithm", "the target is read as its logarithm, and this number is not above 0", name)
        for name, rows in zip(names, lost.T, strict=True)
        for row in np.flatnonzero(rows).tolist()
    }


def _numbers(column: np.ndarray) -> _Numbers:
    if column.dtype.kind in "fiub":
        values = column.astype(np.float64)
        bad = np.isinf(values)
        return _Numbers(np.where(bad, np.nan, values), np.zeros(len(column), np.int8), bad)
    found = _Numbers(np.full(len(column), np.nan), np.zeros(len(column), np.int8), np.zeros(len(column), bool))
    for row, cell in enumerate(column):
        text = canonical(cell)
        if text is None:
            continue
        side, rest = parted(text)
        number = _number(rest)
        if number is None:
            found.bad[row] = True
        else:
            found.values[row], found.side[row] = number, side
    return found


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _refuse_nonsense(names: list[str], parts: list[_Numbers]) -> None:
    faults = []
    for name, part in zip(names, parts, strict=True):
        known = part.values[~np.isnan(part.values) & (part.side == 0)]
        if not len(known) and part.side.any():
            faults.append(f"target '{name}' holds bounds such as >10 alone and no exact number; there is nothing to measure")
        elif not len(known) and part.bad.any():
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
