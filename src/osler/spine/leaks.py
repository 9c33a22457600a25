"""Are test cases known to training?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.errors import LeakError
from osler.core.leak import Leak
from osler.core.split import Fold, Split
from osler.core.target import Target

ACCIDENTS = 0.05  # expected number of equal pairs by chance above which equal rows are no proof


def find_leaks(
    *,
    modalities: Mapping[str, Modality],
    columns: Mapping[str, Columns],
    split: Split,
    target: Target,
    groups: np.ndarray | None,
) -> tuple[Leak, ...]:
    """Return all findings: groups and equal content on both sides, then what each modality sees by itself."""
    found: list[Leak] = []
    if groups is not None:
        found += _same_group(split, groups)
    found += _same_content(modalities=modalities, columns=columns, split=split)
    for name, modality in modalities.items():
        found += modality.leaks(columns[name], split, target=target)
    return tuple(found)


def judge(leaks: Sequence[Leak], *, how: str) -> None:
    """Raise LeakError for findings that stop a run, unless `how` is "drop" or "allow"."""
    stops = [leak for leak in leaks if leak.severity == "stop"]
    blamed_column = [leak for leak in stops if leak.column is not None]
    if how == "allow" or not stops or (how == "drop" and not blamed_column):
        return
    lines = "\n".join(f"- {leak.sentence}" for leak in stops)
    advice = "leave the column out, or go on with --allow-leaks" if blamed_column else (
        "--drop-leaks leaves the offending cases out of training, --allow-leaks goes on and the report says so"
    )  # fmt: skip
    raise LeakError(f"the test would not be honest:\n{lines}\n{advice}")


def without(split: Split, leaks: Sequence[Leak]) -> Split:
    """Return the split without the offending development rows; test rows always stay.

    Raises LeakError where too few rows would be left.
    """
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *(leak.rows for leak in leaks if leak.severity == "stop")]))
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


def _same_group(split: Split, groups: np.ndarray) -> list[Leak]:
    shared = np.intersect1d(groups[split.development], groups[split.test])
    if len(shared) == 0:
        return []
    rows = split.development[np.isin(groups[split.development], shared)]
    tested = split.test[np.isin(groups[split.test], shared)]
    sentence = f"{len(shared)} groups are in training and in test ({len(rows)} training cases, {len(tested)} test cases)"
    return [Leak("same-group", "stop", sentence, rows, tested)]


def _same_content(*, modalities: Mapping[str, Modality], columns: Mapping[str, Columns], split: Split) -> list[Leak]:
    prints = _joined_prints(columns)
    chance = 1.0
    for name, modality in modalities.items():
        chance *= modality.coincidence(columns[name], split.development)
    found = []
    pairs = (
        ("test", split.test, split.development),
        ("validation", np.concatenate([split.tune, split.calibrate]), split.training),
    )
    for name, here, there in pairs:
        rows, copies = _copies(prints, there, here)
        if not len(copies):
            continue
        expected = chance * len(here) * len(there)
        accident = expected > ACCIDENTS
        if accident and len(copies) <= max(10, 3 * expected):
            continue
        severity: Literal["stop", "warn"] = "stop" if name == "test" and not accident else "warn"
        side = f"{len(copies)} {name} cases have the same content as {len(rows)} training cases"
        why = f"; about {expected:.2g} equal pairs are expected by chance, as the inputs are few or coarse" if accident else ""
        found.append(Leak("same-content", severity, side + why, rows, copies if name == "test" else np.empty(0, np.int64)))
    return found


def _joined_prints(columns: Mapping[str, Columns]) -> np.ndarray:
    """Return (n,) int64 over all inputs; 0 where every input is absent, so that empty cases are not called equal."""
    joined = np.zeros(len(next(iter(columns.values()))), np.uint64)
    for order, part in enumerate(columns.values()):
        prints = np.asarray(part.fingerprints).astype(np.uint64)
        mixed = (prints[:, 0] ^ (prints[:, 1] * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(2 * order + 3)
        joined ^= np.where(part.present, mixed, np.uint64(0))
    return joined


def _copies(prints: np.ndarray, there: np.ndarray, here: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shared = np.intersect1d(prints[there], prints[here])
    shared = shared[shared != 0]
    return there[np.isin(prints[there], shared)], here[np.isin(prints[here], shared)]
