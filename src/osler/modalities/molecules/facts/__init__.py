"""What is measured of the training molecules: aggregates, no choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.core.target import Target
from osler.modalities.molecules.case import ATOMS, BONDS, DESCRIPTORS, IDENTITY, SAME
from osler.modalities.molecules.drift import drift_facts
from osler.modalities.molecules.facts.alerts import counted
from osler.modalities.molecules.facts.repeats import spread

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
APART = 0.1  # standard deviations of a number, more than which equal molecules contradict one another


def facts(columns: Columns, rows: np.ndarray, *, target: Target | None = None) -> Mapping[str, Any]:
    """Return what JSON can hold: `cases`, quantiles of `atoms` and `bonds` per molecule, `descriptors` (how many), `drift`, `alerts` of a
    sample; where
    the columns tell identities, how many different `canonical`, `inchikey`, `skeleton`, `parent` and `scaffold` there are, the
    molecules that occur more than once (`repeated`), those of them that contradict one another in a target (`conflicting`), and of a
    numeric target how far several measurements of one molecule lie apart (`replicates`)."""
    there = rows[columns.present[rows]]
    return {
        "cases": len(rows),
        "atoms": _sizes(columns, ATOMS, there),
        "bonds": _sizes(columns, BONDS, there),
        "descriptors": len(columns.field(DESCRIPTORS).labels),
        "drift": drift_facts(columns, there),
        "alerts": counted(columns, there),
        **_same(columns, there, target=target),
    }


def _sizes(columns: Columns, name: str, rows: np.ndarray) -> list[float]:
    array = columns[name]
    assert isinstance(array, Ragged)
    lengths = np.diff(array.offsets)[rows]
    return [float(v) for v in np.quantile(lengths, LEVELS)] if len(rows) else [0.0] * len(LEVELS)


def _same(columns: Columns, rows: np.ndarray, *, target: Target | None) -> dict[str, Any]:
    if IDENTITY not in columns.arrays or not len(rows):
        return {}
    hashes = np.asarray(columns[IDENTITY])[rows]
    different = {name: len(np.unique(hashes[:, at])) for at, name in enumerate(SAME)}
    keys = hashes[:, SAME.index("inchikey")]
    keys = np.where(keys == 0, hashes[:, 0], keys)
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    told: dict[str, Any] = {"different": different, "repeated": int((counts > 1).sum())}
    if target is None:
        return told
    own = target.take(rows)
    told["conflicting"] = _conflicting(own, place, counts)
    numbers = own.info.get("kind") == "regression"
    return {**told, "replicates": spread(own, hashes[:, SAME.index("parent")])} if numbers else told


def _conflicting(target: Target, place: np.ndarray, counts: np.ndarray) -> int:
    """Return how many molecules occur more than once with outcomes that contradict one another."""
    bad = np.zeros(len(counts), bool)
    for column in range(target.values.shape[1]):
        seen = target.observed[:, column] & (counts[place] > 1)
        values, at = target.values[seen, column], place[seen]
        low, high = np.full(len(counts), np.inf), np.full(len(counts), -np.inf)
        np.minimum.at(low, at, values)
        np.maximum.at(high, at, values)
        whole = target.values[target.observed[:, column], column]
        bad |= (high - low) > APART * (whole.std() if len(whole) else 0.0)
    return int(bad.sum())
