"""Molecules as arrays of atoms and bonds.

Asking RDKit for an attribute costs 0.2 µs an atom, and an enumeration three times that: what follows from the rest (degree,
hybridisation, aromaticity) is worked out in numpy for all molecules at once, and stereo is asked only where there is any.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from osler.core.columns import Ragged
from osler.modalities.molecules.case import ATOM, ATOMS, BOND, BONDS, CHARGE, ENDS

_LARGEST_RING = 9
_LABELS = {"R": 1, "r": 1, "S": 2, "s": 2}
_ORDERS = {1.0: 1, 2.0: 2, 3.0: 3, 1.5: 4}
_SP3, _SP2, _SP = 1, 2, 3


class Graphs:
    """Molecules that are taken up one after the other, and given back as ragged arrays."""

    def __init__(self) -> None:
        self.element: list[int] = []
        self.charge: list[int] = []
        self.hydrogens: list[int] = []
        self.ring: list[int] = []
        self.chirality: list[int] = []
        self.first: list[int] = []
        self.second: list[int] = []
        self.order: list[float] = []
        self.conjugated: list[bool] = []
        self.cyclic: list[bool] = []
        self.stereo: list[int] = []
        self.atoms: list[int] = []
        self.bonds: list[int] = []

    def add(self, mol: Any) -> None:
        """Take up one molecule of RDKit's."""
        # by number: RDKit's own sequences take twice as long
        atoms = list(map(mol.GetAtomWithIdx, range(mol.GetNumAtoms())))
        bonds = list(map(mol.GetBondWithIdx, range(mol.GetNumBonds())))
        self.atoms.append(len(atoms))
        self.bonds.append(len(bonds))
        self.element += [a.GetAtomicNum() for a in atoms]
        self.charge += [a.GetFormalCharge() for a in atoms]
        self.hydrogens += [a.GetTotalNumHs() for a in atoms]
        self.first += [b.GetBeginAtomIdx() for b in bonds]
        self.second += [b.GetEndAtomIdx() for b in bonds]
        orders = [b.GetBondTypeAsDouble() for b in bonds]
        self.order += orders
        self.conjugated += [b.GetIsConjugated() for b in bonds]
        self.cyclic += [b.IsInRing() for b in bonds]
        smallest = mol.GetRingInfo().MinAtomRingSize  # by number: RDKit's lists of rings take half as long again
        self.ring += map(smallest, range(len(atoms)))
        self.chirality += [_chirality(a) for a in atoms]
        self.stereo += [_stereo(b) if order == 2 else 0 for b, order in zip(bonds, orders, strict=True)]

    def absent(self) -> None:
        """Take up a case without a molecule."""
        self.atoms.append(0)
        self.bonds.append(0)

    def arrays(self) -> dict[str, Ragged]:
        """Return ATOMS, BONDS and ENDS of all molecules, in the order in which they were added."""
        atom_offsets, bond_offsets = (np.concatenate([[0], np.cumsum(n)]).astype(np.int64) for n in (self.atoms, self.bonds))
        ends = np.array([self.first, self.second], np.int64).T.reshape(-1, 2)
        ends = np.sort(ends, axis=1)
        bonds = np.zeros((len(ends), len(BOND)), np.uint8)
        orders = np.array(self.order)
        for order, code in _ORDERS.items():
            bonds[orders == order, 0] = code
        for at, values in enumerate((self.conjugated, self.cyclic, self.stereo), 1):
            bonds[:, at] = np.array(values, np.uint8)
        places = ends + np.repeat(atom_offsets[:-1], self.bonds)[:, None]
        atoms = self._atoms(bonds, places)
        return {
            ATOMS: Ragged(atoms, atom_offsets),
            BONDS: Ragged(bonds, bond_offsets),
            ENDS: Ragged(ends.astype(np.int16), bond_offsets),
        }

    def _atoms(self, bonds: np.ndarray, places: np.ndarray) -> np.ndarray:
        count = len(self.element)

        def joined(which: np.ndarray) -> np.ndarray:
            return np.bincount(places[which].ravel(), minlength=count)

        degree = joined(np.ones(len(bonds), bool))
        double, triple, aromatic = (joined(bonds[:, 0] == code) for code in (2, 3, 4))
        flat = (double > 0) | (aromatic > 0) | (joined(bonds[:, 1] > 0) > 0)
        shape = np.where(degree == 0, 0, np.where((triple > 0) | (double > 1), _SP, np.where(flat, _SP2, _SP3)))
        columns = {
            "element": self.element, "degree": degree, "charge": np.array(self.charge, np.int64) + CHARGE,
            "chirality": self.chirality, "hydrogens": self.hydrogens, "hybridisation": shape, "aromatic": aromatic > 0,
            "ring": np.minimum(self.ring, _LARGEST_RING),
        }  # fmt: skip
        found = np.stack([np.clip(np.asarray(columns[name], np.int64), 0, size - 1) for name, size in ATOM.items()], axis=1)
        return found.astype(np.uint8).reshape(-1, len(ATOM))


def _chirality(atom: Any) -> int:
    # RDKit drops the tag of a centre that has no label
    return _LABELS[atom.GetProp("_CIPCode")] if atom.HasProp("_CIPCode") else 0


def _stereo(bond: Any) -> int:
    # RDKit's numbers: 0 none, 1 any, 2 Z, 3 E, 4 cis, 5 trans
    number = int(bond.GetStereo())
    return number if number < 4 else min(number - 2, 3)
