"""How new molecules differ from those of training: the descriptors that a chemist knows, and their sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.drift import Shift
from osler.core.number_shifts import number_facts, number_shifts, number_sums
from osler.modalities.molecules.case import DESCRIPTORS
from osler.modalities.molecules.encode.tallies import DONORS, POLAR, SP3_SHARE
from osler.modalities.molecules.fit import sampled

TOLD = ("logP of heavy atoms", "MolWt", "TPSA", DONORS, POLAR, SP3_SHARE, "NumAromaticRings")


def drift_facts(columns: Columns, rows: np.ndarray) -> dict[str, Any]:
    """Return the facts (`number_facts`) of TOLD among the training `rows`."""
    return number_facts(TOLD, _values(columns, sampled(rows)), cases=len(rows))


def drift_sums(columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the sums (`number_sums`) of the molecules of `rows` that are there."""
    known = facts.get("drift") or {}
    return number_sums(_values(columns, rows[columns.present[rows]]), known=known) if known else {}


def drift(sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any]) -> tuple[Shift, ...]:
    """Return one shift per descriptor of TOLD."""
    return number_shifts(sums, known=facts.get("drift") or {})


def _values(columns: Columns, rows: np.ndarray) -> np.ndarray:
    labels = columns.field(DESCRIPTORS).labels
    array = columns[DESCRIPTORS]
    assert isinstance(array, np.ndarray)
    return np.asarray(array[rows])[:, [labels.index(name) for name in TOLD]].astype(np.float64)
