"""By what two molecules are the same, from strict to loose."""

from __future__ import annotations

import numpy as np

from osler.core.hashing import word_hash
from osler.modalities.molecules.case import Molecule
from osler.modalities.molecules.encode.scaffold import scaffold
from osler.modalities.molecules.read.parse import chemistry

TIME_LIMIT = "/WM500"  # milliseconds that InChI may take of one molecule


def identity(case: Molecule) -> np.ndarray:
    """Return (5,) int64 hashes, 0 where there is none: the canonical SMILES of the molecule as it was given, its InChIKey and the
    key's first block (the skeleton: without stereo, protonation and isotopes), the canonical SMILES of what features are
    computed of (the parent), and the parent's scaffold."""
    Chem = chemistry()  # noqa: N806  RDKit's own name
    whole = Chem.MolToSmiles(case.whole)
    parent = whole if case.mol is case.whole else Chem.MolToSmiles(case.mol)
    key = Chem.MolToInchiKey(case.whole, options=TIME_LIMIT)
    found = [whole, key, key.partition("-")[0], parent, scaffold(case.mol) or f"acyclic {parent}"]
    return np.array([word_hash(text) if text else 0 for text in found], np.int64)
