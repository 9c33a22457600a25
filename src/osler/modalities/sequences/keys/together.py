"""What must stay together in a split: a sequence on either strand, and sequences that have a long piece in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from osler.core.columns import Columns
from osler.modalities.sequences.case import IDENTITY
from osler.modalities.sequences.gather import alphabet_in, ragged
from osler.modalities.sequences.keys.pieces import pieces

NAMES = ("similar", "sequence")


class Keys(Mapping[str, np.ndarray]):
    """By name an array (n,) int64 whose equal values stay together; found when it is asked for."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in NAMES:
            raise KeyError(name)
        return similar(self._columns) if name == "similar" else same(self._columns)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES if IDENTITY in self._columns.arrays else ())

    def __len__(self) -> int:
        return len(NAMES) if IDENTITY in self._columns.arrays else 0


def same(columns: Columns) -> np.ndarray:
    """Return (n,) numbers of equal sequences, either strand of DNA counting as the same; an absent one is alone."""
    _, numbers = np.unique(np.asarray(columns[IDENTITY])[:, 0], return_inverse=True)
    return np.where(columns.present, numbers, len(numbers) + np.arange(len(numbers))).astype(np.int64)


def replicates(columns: Columns) -> np.ndarray | None:
    """Return what `same` does; None where the columns do not tell."""
    return same(columns) if IDENTITY in columns.arrays else None


def similar(columns: Columns) -> np.ndarray:
    """Return (n,) numbers of clusters of sequences that are equal or share a piece of 40 letters (proteins: 15), directly or through
    others (single linkage)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    equal = same(columns)
    _, equal = np.unique(equal, return_inverse=True)
    first = int(equal.max(initial=-1)) + 1
    numbers, owner = pieces(ragged(columns), alphabet=alphabet_in(columns))
    kinds, piece = np.unique(numbers, return_inverse=True)
    size = first + len(kinds)
    joined = coo_matrix((np.ones(len(piece), bool), (equal[owner], first + piece)), shape=(size, size))
    found: np.ndarray = connected_components(joined, directed=False)[1]
    return found[equal].astype(np.int64)
