"""Descriptors that are counted on the graphs of many molecules at once, in place of RDKit's own counts one by one (MQN, Lipinski)."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Ragged
from osler.modalities.molecules.case import ATOM, ATOMS, BOND, BONDS, CHARGE, ENDS

_ELEMENTS = {"C": 6, "N": 7, "O": 8, "F": 9, "P": 15, "S": 16, "Cl": 17, "Br": 35, "I": 53}
_POLAR = (7, 8)
_RINGS = (3, 4, 5, 6, 7)
_SINGLE, _DOUBLE, _TRIPLE, _AROMATIC = 1, 2, 3, 4
SP3_SHARE = "share of sp3 among carbons"
DONORS, POLAR = "nitrogens and oxygens with hydrogen", "nitrogens and oxygens"


def tallies(graphs: dict[str, Ragged]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names (t,) and values (n, t) float64 of what is counted of each molecule's atoms and bonds; zeros of an absent one."""
    atoms, bonds, ends = (graphs[name] for name in (ATOMS, BONDS, ENDS))
    offset = np.repeat(atoms.offsets[:-1], np.diff(ends.offsets))
    of_atoms = _of_atoms(atoms.values)
    of_bonds = _of_bonds(bonds.values, atoms.values, ends.values.astype(np.int64) + offset[:, None])
    parts = [_summed(list(of_atoms.values()), atoms.offsets), _summed(list(of_bonds.values()), bonds.offsets)]
    carbons, saturated = (parts[0][:, list(of_atoms).index(name)] for name in ("C", "sp3 carbons"))
    cycles = np.diff(bonds.offsets) - np.diff(atoms.offsets) + (np.diff(atoms.offsets) > 0)
    parts += [(saturated / np.maximum(carbons, 1))[:, None], cycles[:, None].astype(np.float64)]
    return (*of_atoms, *of_bonds, SP3_SHARE, "cycles"), np.concatenate(parts, axis=1)


def _of_atoms(lines: np.ndarray) -> dict[str, np.ndarray]:
    """Return by name which atoms (a,) count, or how much each."""
    at = {name: lines[:, number] for number, name in enumerate(ATOM)}
    element, hydrogens, ring = at["element"], at["hydrogens"], at["ring"]
    polar = np.isin(element, _POLAR)
    found = {name: element == number for name, number in _ELEMENTS.items()}
    found |= {"other elements": ~np.isin(element, list(_ELEMENTS.values())), "hydrogens": hydrogens}
    found |= {POLAR: polar, DONORS: polar & (hydrogens > 0), "hydrogens on them": np.where(polar, hydrogens, 0)}
    found |= {"positive": at["charge"] > CHARGE, "negative": at["charge"] < CHARGE, "centres": at["chirality"] > 0}
    found |= {f"acyclic of degree {n}": (ring == 0) & (at["degree"] == n) for n in (1, 2, 3, 4)}
    found |= {f"cyclic of degree {n}": (ring > 0) & (at["degree"] == n) for n in (2, 3, 4)}
    found |= {"sp": at["hybridisation"] == 3, "sp2": at["hybridisation"] == 2, "sp3": at["hybridisation"] == 1}
    found |= {"sp3 carbons": (element == 6) & (at["hybridisation"] == 1), "aromatic": at["aromatic"] > 0}
    found |= {f"aromatic {name}": (at["aromatic"] > 0) & (element == _ELEMENTS[name]) for name in ("C", "N", "O", "S")}
    return found | {f"in rings of {n}": ring == n for n in _RINGS} | {"in larger rings": ring > _RINGS[-1]}


def _of_bonds(lines: np.ndarray, atoms: np.ndarray, places: np.ndarray) -> dict[str, np.ndarray]:
    """Return by name which bonds (b,) count; `places` (b, 2) of their atoms among all."""
    at = {name: lines[:, number] for number, name in enumerate(BOND)}
    order, cyclic = at["type"], at["ring"] > 0
    degree = atoms[:, list(ATOM).index("degree")][places]
    inner = (degree > 1).all(axis=1)
    kinds = {"single": _SINGLE, "double": _DOUBLE, "triple": _TRIPLE}
    found = {f"acyclic {name}": ~cyclic & (order == kind) for name, kind in kinds.items()}
    found |= {f"cyclic {name}": cyclic & (order == kind) for name, kind in kinds.items()}
    return {
        **found,
        "aromatic bonds": order == _AROMATIC,
        "bonds that turn": ~cyclic & (order == _SINGLE) & inner,
        "and are not conjugated": ~cyclic & (order == _SINGLE) & inner & (at["conjugated"] == 0),
        "conjugated bonds": at["conjugated"] > 0,
        "double bonds with a side": at["stereo"] > 1,
    }


def _summed(columns: list[np.ndarray], offsets: np.ndarray) -> np.ndarray:
    """Return (n, c) the sums of each of `columns` (total,) over the entries of each case."""
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    sums = [np.bincount(owner, weights=column.astype(np.float64), minlength=len(offsets) - 1) for column in columns]
    return np.stack(sums, axis=1)
