"""The same group, or the same content, on both sides of the split."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.leak import Leak
from osler.core.split import Split

EMPTY = np.empty(0, np.int64)
MOSTLY = 0.5
ACCIDENTS = 0.05  # expected number of equal pairs by chance above which equal rows are no proof


def same_group(split: Split, groups: np.ndarray) -> list[Leak]:
    """Return a finding where groups are in training and in test."""
    shared = np.intersect1d(groups[split.development], groups[split.test])
    if len(shared) == 0:
        return []
    rows = split.development[np.isin(groups[split.development], shared)]
    tested = split.test[np.isin(groups[split.test], shared)]
    sentence = f"{len(shared)} groups are in training and in test ({len(rows)} training cases, {len(tested)} test cases)"
    return [Leak("same-group", "stop", sentence, rows, tested)]


def same_content(*, modalities: Mapping[str, Modality], columns: Mapping[str, Columns], split: Split) -> list[Leak]:
    """Return findings of cases that are equal in every input, test in training and validation in training; of several inputs
    also a warning for those that are equal in one."""
    chances = {name: modality.coincidence(columns[name], split.development) for name, modality in modalities.items()}
    found = []
    for here, prints in _by_inputs(columns):
        found += _equal(prints, split, chance=math.prod(chances[name] for name in here))
    known = np.concatenate([EMPTY, *(rows for leak in found for rows in (leak.rows, leak.test_rows))])
    for name, part in columns.items() if len(columns) > 1 else ():
        prints = _joined_prints({name: part})
        if _shared(prints[split.development]) > MOSTLY:
            continue  # it describes sites or kinds rather than cases
        prints[known] = 0  # told already
        for leak in _equal(prints, split, chance=chances[name]):
            sentence = f"in input '{name}' alone: {leak.sentence}; the same patient may stand on both sides"
            found.append(replace(leak, severity="warn", sentence=sentence))
    return found


def _by_inputs(columns: Mapping[str, Columns]) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield each set of inputs that some cases have, and the content (n,) of these cases; 0 for all others.

    Cases that lack the rich input are compared by what they have: a poor table makes them equal by accident.
    """
    prints = _joined_prints(columns)
    pattern = sum(
        (part.present.astype(np.int64) << at for at, part in enumerate(columns.values())), np.zeros(len(prints), np.int64)
    )
    for one in np.unique(pattern[pattern > 0]).tolist():
        yield [name for at, name in enumerate(columns) if one >> at & 1], np.where(pattern == one, prints, np.uint64(0))


def _shared(prints: np.ndarray) -> float:
    """Return the share of the cases with content that have it in common with an earlier one."""
    there = prints[prints != 0]
    return 1 - len(np.unique(there)) / max(1, len(there))


def _equal(prints: np.ndarray, split: Split, *, chance: float) -> list[Leak]:
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
        found.append(Leak("same-content", severity, side + why, rows, copies if name == "test" else EMPTY))
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
