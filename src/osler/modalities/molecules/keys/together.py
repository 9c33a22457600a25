"""What must stay together in a split: a molecule in all its forms, a scaffold, a cluster of alike molecules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from osler.core.columns import Columns
from osler.core.errors import StudyError
from osler.modalities.molecules.case import BITS, IDENTITY, SAME
from osler.modalities.molecules.keys.similarity import compared, words

NAMES = ("molecule", "scaffold", "cluster")
ALIKE = 0.4  # Tanimoto similarity of Morgan bits from which a molecule joins a cluster; Butina's 0.35 to 0.4
MOST = 20_000  # molecules that are clustered: all pairs are compared


class Keys(Mapping[str, np.ndarray]):
    """By name an array (n,) int64 whose equal values stay together; a cluster is looked for when it is asked for."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in NAMES:
            raise KeyError(name)
        if name == "cluster":
            return clusters(self._columns)
        hashes = np.asarray(self._columns[IDENTITY])
        if name == "scaffold":
            return _numbered(hashes[:, SAME.index("scaffold")], self._columns.present)
        return _molecules(hashes, self._columns.present)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES if IDENTITY in self._columns.arrays else ())

    def __len__(self) -> int:
        return len(NAMES) if IDENTITY in self._columns.arrays else 0


def _numbered(keys: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return (n,) numbers of equal keys; a case without a key is alone."""
    _, numbers = np.unique(keys, return_inverse=True)
    alone = ~present | (keys == 0)
    return np.where(alone, numbers.max(initial=0) + 1 + np.arange(len(keys)), numbers).astype(np.int64)


def _molecules(hashes: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return (n,) numbers of molecules that share an InChIKey or, without their salt, a canonical SMILES."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    both = [_numbered(hashes[:, SAME.index(name)], present) for name in ("inchikey", "parent")]
    left, right = both[0], both[1] + both[0].max(initial=0) + 1
    size = int(right.max(initial=0)) + 1
    joined = coo_matrix((np.ones(len(left), bool), (left, right)), shape=(size, size))
    numbers: np.ndarray = connected_components(joined, directed=False)[1]
    return numbers[left].astype(np.int64)


def replicates(columns: Columns) -> np.ndarray | None:
    """Return (n,) numbers of molecules that are the same once they are standardised; None where the columns do not tell."""
    if IDENTITY not in columns.arrays:
        return None
    return _numbered(np.asarray(columns[IDENTITY])[:, SAME.index("parent")], columns.present)


def clusters(columns: Columns) -> np.ndarray:
    """Return (n,) numbers of clusters by Taylor and Butina (1999, doi:10.1021/ci9803381): the molecule with most neighbours of a similarity
    of at least ALIKE takes them, and so on with those that are left.

    Raises StudyError for more than MOST molecules.
    """
    rows = np.flatnonzero(columns.present)
    if len(rows) > MOST:
        raise StudyError(
            f"{len(rows):,} molecules are too many to cluster, as all pairs are compared (at most {MOST:,}); give --set split.by=scaffold"
        )
    numbers = np.arange(len(columns), dtype=np.int64) + len(rows)
    numbers[rows] = _butina(words(np.asarray(columns[BITS])[rows]))
    return numbers


def _butina(bits: np.ndarray) -> np.ndarray:
    near: list[np.ndarray] = []
    for _, found in compared(bits, bits):
        near += [np.flatnonzero(line) for line in found >= ALIKE]
    numbers = np.full(len(bits), -1, np.int64)
    for centre in sorted(range(len(bits)), key=lambda at: -len(near[at])):
        if numbers[centre] < 0:
            free = near[centre][numbers[near[centre]] < 0]
            numbers[free] = numbers[centre] = centre
    return numbers
