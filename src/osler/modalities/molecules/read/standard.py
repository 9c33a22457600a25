"""The form of a molecule that features are computed of: without its salt, neutral, without isotopes, as reading decides.

Every step is left out where there is nothing for it to do, which is so for most drug-like molecules.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from osler.modalities.molecules.read.parse import chemistry

_ISOTOPE, _CHARGE = re.compile(r"\[\d"), re.compile(r"[+-]\d*(?::\d+)?\]")
ORGANIC = 6  # the atomic number without which a part is no organic one


def standardised(mol: Any, smiles: str, *, reading: Mapping[str, Any]) -> Any:
    """Return `mol`, which `smiles` writes, as the reading decisions `salts`, `charges`, `isotopes`, `stereo` and
    `tautomers` want it; the same object where nothing is to be changed, and never a changed one."""
    found = mol
    if reading["salts"] == "strip" and "." in smiles:
        found = _largest(found)
    if reading["isotopes"] == "drop" and _ISOTOPE.search(smiles):
        found = _without_isotopes(found)
    if reading["charges"] == "neutralise" and _CHARGE.search(smiles):
        found = _neutral(found)
    if reading["stereo"] == "drop":
        found = chemistry().Mol(found)
        chemistry().RemoveStereochemistry(found)
    return _canonical_tautomer(found) if reading["tautomers"] == "canonical" else found


def _largest(mol: Any) -> Any:
    """Return the organic part with most heavy atoms, of equal ones the heaviest; the largest part of all where none is organic."""
    return max(chemistry().GetMolFrags(mol, asMols=True), key=_size)


def _size(part: Any) -> tuple[bool, int, float, str]:
    numbers = [atom.GetAtomicNum() for atom in part.GetAtoms()]
    heavy = [n for n in numbers if n > 1]
    return ORGANIC in numbers, len(heavy), float(sum(heavy)), chemistry().MolToSmiles(part)


def _without_isotopes(mol: Any) -> Any:
    Chem = chemistry()  # noqa: N806  RDKit's own name
    bare = Chem.Mol(mol)
    for atom in bare.GetAtoms():
        atom.SetIsotope(0)
    bare = Chem.RemoveHs(bare)
    Chem.AssignStereochemistry(bare, cleanIt=True, force=True)  # a centre by its isotope is none any more
    return bare


def _neutral(mol: Any) -> Any:
    """Return the molecule with acids and bases neutral; charges that belong to one another (nitro, N-oxide, azide) stay."""
    charged = [atom for atom in mol.GetAtoms() if atom.GetFormalCharge()]
    if not charged or all(_balanced(atom) for atom in charged):
        return mol
    found = _uncharger().uncharge(mol)
    found.UpdatePropertyCache(strict=False)
    return found


def _balanced(atom: Any) -> bool:
    own = atom.GetFormalCharge()
    return any(own * other.GetFormalCharge() < 0 for other in atom.GetNeighbors())


def _canonical_tautomer(mol: Any) -> Any:
    found = _enumerator().Canonicalize(mol)
    found.UpdatePropertyCache(strict=False)
    return found


@functools.cache
def _uncharger() -> Any:
    chemistry()
    from rdkit.Chem.MolStandardize import rdMolStandardize

    return rdMolStandardize.Uncharger()


@functools.cache
def _enumerator() -> Any:
    chemistry()
    from rdkit.Chem.MolStandardize import rdMolStandardize

    found = rdMolStandardize.TautomerEnumerator()
    found.SetMaxTautomers(200)  # of some molecules there are millions
    found.SetMaxTransforms(200)
    return found
