"""Many molecules at once: parsed one by one, their graphs put together as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.columns import Array, Columns, Field
from osler.core.errors import Refusal, Refused
from osler.modalities.molecules.case import ATOMS, BITS, BONDS, DESCRIPTORS, ENDS, FINGERPRINT, IDENTITY, Molecule
from osler.modalities.molecules.encode import fields, fingerprint
from osler.modalities.molecules.encode.descriptors import descriptors, finite
from osler.modalities.molecules.encode.fingerprints import bits, counts
from osler.modalities.molecules.encode.graphs import Graphs
from osler.modalities.molecules.encode.identity import identity
from osler.modalities.molecules.read.cells import cells, own
from osler.modalities.molecules.read.molecule import molecule

GRAPH = (ATOMS, BONDS, ENDS)


def shard(locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
    """Return the columns of many molecules; one that cannot be read is absent and has its refusal, an empty cell is absent."""
    rows = own(locators)
    wanted = tuple(f for f in fields(reading=reading) if f.role in roles)
    taken = _Taken(wanted, reading, cases=len(rows))
    refusals: dict[int, Refusal] = {}
    for row, cell in enumerate(cells(rows)):
        try:
            taken.add(row, None if cell is None else molecule(cell, column=rows.column, reading=reading))
        except Refused as why:
            refusals[row] = why.refusal
            taken.add(row, None)
    return Columns(wanted, taken.arrays(), taken.present, taken.prints, refusals)


class _Taken:
    """The arrays of `cases` molecules, filled row by row."""

    def __init__(self, wanted: Sequence[Field], reading: Mapping[str, Any], *, cases: int) -> None:
        self.avalon = bool(reading["avalon"])
        self.dense = {f.name: np.zeros((cases, int(f.shape[0] or 0)), np.float64 if f.name == DESCRIPTORS else f.dtype)
                      for f in wanted if not f.ragged}  # fmt: skip
        self.graphs = Graphs() if any(f.ragged for f in wanted) else None
        self.present = np.zeros(cases, bool)
        self.prints = np.zeros((cases, 2), np.int64)

    def add(self, row: int, case: Molecule | None) -> None:
        if case is None:
            if self.graphs is not None:
                self.graphs.absent()
            return
        self.present[row] = True
        self.prints[row] = fingerprint(case)
        if self.graphs is not None:
            self.graphs.add(case.mol)
        for name, values in self.dense.items():
            values[row] = self._value(name, case)

    def _value(self, name: str, case: Molecule) -> Any:
        if name == FINGERPRINT:
            return counts(case.mol, avalon=self.avalon)
        return {DESCRIPTORS: lambda: descriptors(case.mol), IDENTITY: lambda: identity(case), BITS: lambda: bits(case.mol)}[
            name
        ]()

    def arrays(self) -> dict[str, Array]:
        """Return every field."""
        ragged = {} if self.graphs is None else self.graphs.arrays()
        if DESCRIPTORS in self.dense:
            described = self.dense[DESCRIPTORS]
            self.dense[DESCRIPTORS] = np.where(self.present[:, None], finite(described), np.nan).astype(np.float32)
        return {**ragged, **self.dense}
