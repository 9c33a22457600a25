"""What is done about the findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from osler.core.errors import LeakError
from osler.core.leak import Leak
from osler.core.split import Fold, Split

# findings that warn only, but whose cases --drop-leaks leaves out: they are known to training all the same
DROPPED = frozenset({"near-copy"})


def judge(leaks: Sequence[Leak], *, how: str) -> None:
    """Raise LeakError for findings that stop a run, unless `how` is "allow", or "drop" and there are rows or a column to leave out."""
    stops = [leak for leak in leaks if leak.severity == "stop" and how != "allow" and not (how == "drop" and _curable(leak))]
    if not stops:
        return
    lines = "\n".join(f"- {leak.sentence}" for leak in stops)
    ways = []
    if any(len(leak.rows) for leak in stops):
        ways.append("leaves the offending cases out of training")
    if names := blamed(stops):
        ways.append("leaves the column out" if len(names) == 1 else f"leaves the {len(names)} columns out")
    advice = f"--drop-leaks {' and '.join(ways)}, " if ways else ""
    raise LeakError(f"the test would not be honest:\n{lines}\n{advice}--allow-leaks goes on and the report says so")


def _curable(leak: Leak) -> bool:
    """Return whether a leak goes when its rows leave training, or its column the table."""
    return leak.column is not None or len(leak.rows) > 0


def blamed(leaks: Sequence[Leak]) -> tuple[str, ...]:
    """Return the columns that stop a run, in the order of the findings."""
    return tuple(dict.fromkeys(leak.column for leak in leaks if leak.severity == "stop" and leak.column is not None))


def touched(leaks: Sequence[Leak]) -> np.ndarray:
    """Return the test rows that leaks which stop a run touch, ascending, and those of near copies."""
    rows = [leak.test_rows for leak in leaks if _known(leak)]
    return np.unique(np.concatenate([np.empty(0, np.int64), *rows]))


def _known(leak: Leak) -> bool:
    """Return whether training knows the leak's test cases."""
    return leak.severity == "stop" or (leak.kind in DROPPED and len(leak.test_rows) > 0)


def without(split: Split, leaks: Sequence[Leak]) -> Split:
    """Return the split without the offending development rows; test rows always stay.

    Raises LeakError where too few rows would be left.
    """
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *(leak.rows for leak in leaks if _known(leak))]))
    folds = tuple(Fold(*(np.setdiff1d(part, rows) for part in (fold.training, fold.tune, fold.held))) for fold in split.folds)
    if not len(np.intersect1d(rows, split.development)):
        return split
    if not all(len(part) for fold in folds for part in (fold.training, fold.tune, fold.held)):
        raise LeakError(
            f"without the {len(rows)} leaking cases too few are left to train on; mend the split or group column, or go on"
            " with --allow-leaks"
        )
    parts = {name: np.setdiff1d(getattr(split, name), rows) for name in ("training", "tune", "calibrate")}
    return replace(split, **parts, folds=folds, how=f"{split.how}; {len(rows)} leaking cases dropped from training")
