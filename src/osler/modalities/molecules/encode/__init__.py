"""From molecules to fields: graphs, descriptors, fingerprints, and what tells equal molecules."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Field
from osler.modalities.molecules.case import (
    ATOM,
    ATOMS,
    BIT_BYTES,
    BITS,
    BOND,
    BONDS,
    DESCRIPTORS,
    ENDS,
    FINGERPRINT,
    IDENTITY,
    SAME,
    Molecule,
)
from osler.modalities.molecules.encode.descriptors import NAMES, calculated, descriptors
from osler.modalities.molecules.encode.fingerprints import bits, counts, width
from osler.modalities.molecules.encode.graphs import Graphs
from osler.modalities.molecules.encode.identity import identity
from osler.modalities.molecules.read.parse import chemistry


def fields(*, reading: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the graph and the descriptors for the network, fingerprints for the baseline, hashes and bits for splits and leaks."""
    return (
        Field(ATOMS, "uint8", (None, len(ATOM))),
        Field(BONDS, "uint8", (None, len(BOND))),
        Field(ENDS, "int16", (None, 2)),
        Field(DESCRIPTORS, "float32", (len(NAMES),), labels=NAMES),
        Field(FINGERPRINT, "uint8", (width(avalon=bool(reading["avalon"])),), role="baseline"),
        Field(IDENTITY, "int64", (len(SAME),), role="identity", labels=SAME),
        Field(BITS, "uint8", (BIT_BYTES,), role="identity"),
    )


def encode(case: Molecule, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
    """Return one molecule's arrays, of the fields whose role is asked for."""
    found: dict[str, np.ndarray] = {}
    if "input" in roles:
        graphs = Graphs()
        graphs.add(case.mol)
        parts = graphs.arrays()
        found |= {name: parts[name].values for name in (ATOMS, BONDS, ENDS)}
        found[DESCRIPTORS] = descriptors([calculated(case.mol)], parts)[0]
    if "baseline" in roles:
        found[FINGERPRINT] = counts(case.mol, avalon=bool(reading["avalon"]))
    if "identity" in roles:
        found[IDENTITY], found[BITS] = identity(case), bits(case.mol)
    return found


def fingerprint(case: Molecule) -> tuple[int, int]:
    """Return a 128-bit hash of RDKit's canonical SMILES of the whole molecule, as it was given: with salt, charges, stereo."""
    smiles: str = chemistry().MolToSmiles(case.whole)
    digest = hashlib.blake2b(smiles.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little", signed=True) or 1, int.from_bytes(digest[8:], "little", signed=True)
