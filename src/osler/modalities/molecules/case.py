"""What a case of molecules is, and what its fields hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.core.errors import Refusal
from osler.core.span import Span

if TYPE_CHECKING:
    import pyarrow as pa

ATOMS = "atoms"  # field (a, 8) uint8: one line per heavy atom (and per hydrogen that was written as an atom of its own), ATOM
BONDS = "bonds"  # field (b, 4) uint8: one line per bond, undirected, BOND; no line of a molecule of one atom
ENDS = "ends"  # field (b, 2) int16: the atoms that each bond joins, counted from 0 inside the molecule, the lower first
DESCRIPTORS = "descriptors"  # field (d,) float32, labelled: RDKit's 2-D descriptors, finite, as they are
FINGERPRINT = (
    "fingerprint"  # field (f,) uint8 of the baseline: counts, clipped at 255, MORGAN, ERG and, where wanted, AVALON, side by side
)
IDENTITY = "identity"  # field (5,) int64: hashes of SAME, 0 where there is none
BITS = "bits"  # field (256,) uint8: 2,048 bits of the Morgan fingerprint of radius 2, packed, for Tanimoto similarity

# Of each categorical feature how many values there are: a value lies in [0, size). Atom: atomic number (0 is a wildcard), degree,
# formal charge + CHARGE, chirality (0 none, 1 R, 2 S), hydrogens, hybridisation as the bonds tell
# (0 no bond, 1 sp3, 2 sp2, 3 sp), aromatic, size of the smallest ring (0 in none, 9 above eight).
ATOM = {
    "element": 119, "degree": 11, "charge": 13, "chirality": 3, "hydrogens": 9, "hybridisation": 4, "aromatic": 2, "ring": 10,
}  # fmt: skip
CHARGE = 6
# Bond: type (0 any other, 1 single or dative, 2 double, 3 triple, 4 aromatic), conjugated, in a ring, stereo (0 none, 1 any, 2 Z or
# cis, 3 E or trans).
BOND = {"type": 5, "conjugated": 2, "ring": 2, "stereo": 4}

MORGAN, ERG, AVALON = 2048, 315, 1024  # widths: Morgan counts of radius 2, ErG in tenths, Avalon counts (Notwell and Wood 2023)
BIT_BYTES = MORGAN // 8
SAME = ("canonical", "inchikey", "skeleton", "parent", "scaffold")  # of IDENTITY, from strict to loose


@dataclass(frozen=True, slots=True)
class Molecule:
    """One molecule. `mol` is what features are computed of: standardised, its salt stripped where reading says so; RDKit's object.

    `whole` is the molecule with all its parts; the same object where nothing was changed.
    """

    mol: Any
    whole: Any


@dataclass(frozen=True, slots=True)
class MoleculeRows(Span):
    """Rows [start, stop) of a table's column, as locators: a slice is `MoleculeRows` again, an item one row of length one.

    Opened from `file` (Arrow IPC, memory-mapped) where there is one, so that a worker receives a path and not the cells; else `rows`
    holds them. `refusals`, by row of the whole table, tell of rows that the file itself garbled.
    """

    column: str
    start: int
    stop: int
    file: Path | None = None
    rows: pa.Table | None = None
    refusals: Mapping[int, Refusal] = field(default_factory=dict)
