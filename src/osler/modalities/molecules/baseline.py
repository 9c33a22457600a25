"""What the classical model sees of a molecule: descriptors, and the counts of its parts (MapLight, Notwell and Wood 2023)."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns
from osler.core.features import Features
from osler.core.state import State
from osler.modalities.molecules.case import AVALON, DESCRIPTORS, FINGERPRINT
from osler.modalities.molecules.encode.fingerprints import names, width


def baseline_features(columns: Columns, rows: np.ndarray, *, state: State) -> Features:
    """Return descriptors (d) and the counts (c) that the state keeps, of `rows` (m, d + c); all NaN of an absent case.

    Descriptors are one explained feature, counts belong to the structure, the other.
    """
    described, counted = columns[DESCRIPTORS], columns[FINGERPRINT]
    assert isinstance(described, np.ndarray)
    assert isinstance(counted, np.ndarray)
    kept = state.arrays["counts"].astype(np.int64)
    labels = columns.field(DESCRIPTORS).labels
    matrix = np.empty((len(rows), len(labels) + len(kept)), np.float32)
    matrix[:, : len(labels)] = described[rows]
    matrix[:, len(labels) :] = np.asarray(counted[rows])[:, kept]
    matrix[~columns.present[rows]] = np.nan
    parts = names(avalon=counted.shape[1] >= width(avalon=False) + AVALON)
    named = (*labels, *(parts[at] for at in kept))
    owner = (np.arange(matrix.shape[1]) < len(labels)).astype(np.int64)
    return Features(matrix, np.arange(len(rows), dtype=np.int64), named, np.zeros(len(owner), bool), owner=owner)
