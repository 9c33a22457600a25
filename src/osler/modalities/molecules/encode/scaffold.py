"""The Bemis–Murcko scaffold: rings and what joins them (Bemis and Murcko 1996, doi:10.1021/jm9602928).

RDKit's own takes time with the cube of the atoms, 0.6 s of a chain of 500; here ends are cut off until none is left.
"""

from __future__ import annotations

from typing import Any

from osler.modalities.molecules.read.parse import chemistry

_NITROGEN = 7


def scaffold(mol: Any) -> str:
    """Return the canonical SMILES of a molecule's scaffold without stereo, "" of an acyclic one.

    As in RDKit's definition atoms that a double bond joins to the scaffold (the oxygen of a ring ketone) belong to it.
    """
    kept = framework(mol)
    if not kept:
        return ""
    return str(chemistry().MolFragmentToSmiles(_cut(mol, kept), atomsToUse=sorted(kept), isomericSmiles=False))


def _cut(mol: Any, kept: set[int]) -> Any:
    """Return the molecule in which each aromatic nitrogen that loses what was bound to it has a hydrogen instead."""
    atoms = map(mol.GetAtomWithIdx, kept)
    cut = [atom for atom in atoms if atom.GetAtomicNum() == _NITROGEN and atom.GetIsAromatic() and _loses(atom, kept)]
    if not cut:
        return mol
    changed = chemistry().Mol(mol)
    for atom in cut:
        changed.GetAtomWithIdx(atom.GetIdx()).SetNumExplicitHs(1)
    return changed


def _loses(atom: Any, kept: set[int]) -> bool:
    return any(near.GetIdx() not in kept for near in atom.GetNeighbors())


def framework(mol: Any) -> set[int]:
    """Return the atoms of rings, of the paths between them, and those that a double bond joins to either."""
    if not mol.GetRingInfo().NumRings():
        return set()
    neighbours: list[dict[int, float]] = [{} for _ in range(mol.GetNumAtoms())]
    for bond in mol.GetBonds():
        first, second, order = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), bond.GetBondTypeAsDouble()
        neighbours[first][second] = neighbours[second][first] = order
    degree = [len(near) for near in neighbours]
    ends = [atom for atom, count in enumerate(degree) if count < 2]
    kept = set(range(len(degree)))
    while ends:
        atom = ends.pop()
        kept.discard(atom)
        for near in neighbours[atom]:
            degree[near] -= 1
            if degree[near] == 1 and near in kept:
                ends.append(near)
    doubled = {near for atom in kept for near, order in neighbours[atom].items() if order == 2}
    return kept | doubled
