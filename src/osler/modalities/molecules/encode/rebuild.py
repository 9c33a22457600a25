"""From columns back to RDKit's molecule, without stereo: what is asked of few molecules need not be computed when all are read."""

from __future__ import annotations

from typing import Any

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.modalities.molecules.case import ATOM, ATOMS, BOND, BONDS, CHARGE, ENDS
from osler.modalities.molecules.read.parse import chemistry

_ELEMENT, _CHARGE, _HYDROGENS, _AROMATIC = (list(ATOM).index(name) for name in ("element", "charge", "hydrogens", "aromatic"))
_TYPE = list(BOND).index("type")


def rebuilt(columns: Columns, row: int) -> Any:
    """Return the standardised molecule `row`, None where it is absent or RDKit cannot make it of what the columns hold."""
    if not columns.present[row]:
        return None
    Chem = chemistry()  # noqa: N806  RDKit's own name
    kinds = [getattr(Chem.BondType, name) for name in ("UNSPECIFIED", "SINGLE", "DOUBLE", "TRIPLE", "AROMATIC")]
    mol = Chem.RWMol()
    for line in _lines(columns, ATOMS, row).tolist():
        mol.AddAtom(_atom(Chem, line))
    bonds, ends = _lines(columns, BONDS, row), _lines(columns, ENDS, row)
    for kind, (first, second) in zip(bonds[:, _TYPE].tolist(), ends.tolist(), strict=True):
        mol.AddBond(first, second, kinds[kind])
    try:
        Chem.SanitizeMol(mol)
    except (ValueError, RuntimeError):  # a metal's coordination, which a flat graph does not hold
        return None
    return mol


def _atom(Chem: Any, line: list[int]) -> Any:  # noqa: N803  RDKit's own name
    atom = Chem.Atom(line[_ELEMENT])
    atom.SetFormalCharge(line[_CHARGE] - CHARGE)
    atom.SetNumExplicitHs(line[_HYDROGENS])
    atom.SetNoImplicit(True)
    atom.SetIsAromatic(bool(line[_AROMATIC]))
    return atom


def _lines(columns: Columns, name: str, row: int) -> np.ndarray:
    array = columns[name]
    assert isinstance(array, Ragged)
    return np.asarray(array[row]).astype(np.int64)
