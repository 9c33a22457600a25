"""Many molecules at once: parsed one by one, their graphs put together as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.columns import Array, Columns, Field
from osler.core.errors import Refusal, Refused
from osler.modalities.molecules.case import ATOMS, DESCRIPTORS, FINGERPRINT, IDENTITY, Molecule
from osler.modalities.molecules.encode import fields, fingerprint
from osler.modalities.molecules.encode.descriptors import NOTHING, calculated, descriptors
from osler.modalities.molecules.encode.fingerprints import bits, counts
from osler.modalities.molecules.encode.graphs import Graphs
from osler.modalities.molecules.encode.identity import identity
from osler.modalities.molecules.read.cells import cells, own
from osler.modalities.molecules.read.molecule import molecule


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
            taken.skip()
        except (ValueError, RuntimeError):  # RDKit's own errors are among these, and may quote the molecule
            refusals[row] = Refusal("features", "RDKit cannot compute the features of this molecule", rows.column)
            taken.skip()
    return Columns(wanted, taken.arrays(), taken.present, taken.prints, refusals)


class _Taken:
    """The arrays of `cases` molecules, filled row by row. Fingerprints are taken where identity is asked for: a canonical SMILES takes
    as long as half of the parsing, and no prediction looks at it."""

    def __init__(self, wanted: Sequence[Field], reading: Mapping[str, Any], *, cases: int) -> None:
        self.avalon = bool(reading["avalon"])
        names = {f.name for f in wanted}
        self.dense = {f.name: np.zeros((cases, int(f.shape[0] or 0)), f.dtype) for f in wanted if f.role != "input"}
        self.graphs = Graphs() if ATOMS in names else None
        self.calculated: list[list[float]] = []
        self.present = np.zeros(cases, bool)
        self.prints = np.zeros((cases, 2), np.int64)

    def add(self, row: int, case: Molecule | None) -> None:
        """Take up the molecule of a row, or that it has none; where RDKit fails nothing of it is kept."""
        if case is None:
            self.skip()
            return
        found = {name: self._value(name, case) for name in self.dense}
        prints = fingerprint(case) if IDENTITY in self.dense else (0, 0)
        if self.graphs is not None:
            self.calculated.append(calculated(case.mol))
            self.graphs.add(case.mol)
        self.present[row], self.prints[row] = True, prints
        for name, values in found.items():
            self.dense[name][row] = values

    def skip(self) -> None:
        """Take up a row without a molecule."""
        if self.graphs is not None:
            self.graphs.absent()
            self.calculated.append(NOTHING)

    def _value(self, name: str, case: Molecule) -> np.ndarray:
        if name == FINGERPRINT:
            return counts(case.mol, avalon=self.avalon)
        return identity(case) if name == IDENTITY else bits(case.mol)

    def arrays(self) -> dict[str, Array]:
        """Return every field; the descriptors of an absent case are NaN."""
        if self.graphs is None:
            return dict(self.dense)
        ragged = self.graphs.arrays()
        described = np.where(self.present[:, None], descriptors(self.calculated, ragged), np.float32(np.nan))
        return {**ragged, DESCRIPTORS: described, **self.dense}
