"""Fingerprints that a classical model reads: counts of circular environments and of pharmacophore pairs (Notwell and Wood 2023)."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from osler.modalities.molecules.case import AVALON, ERG, MORGAN

RADIUS = 2
ERG_STEPS = 10  # ErG's sums of tenths become whole numbers


def width(*, avalon: bool) -> int:
    """Return f."""
    return MORGAN + ERG + (AVALON if avalon else 0)


def counts(mol: Any, *, avalon: bool) -> np.ndarray:
    """Return (f,) uint8: Morgan counts, ErG in tenths, and Avalon counts where they are asked for; clipped at 255."""
    from rdkit.Chem.rdReducedGraphs import GetErGFingerprint

    found = np.zeros(width(avalon=avalon), np.uint8)
    found[:MORGAN] = np.minimum(_morgan().GetCountFingerprintAsNumPy(mol), 255)
    found[MORGAN : MORGAN + ERG] = np.minimum(np.rint(GetErGFingerprint(mol) * ERG_STEPS), 255)
    if avalon:
        for place, count in _avalon(mol).items():
            found[MORGAN + ERG + place] = min(count, 255)
    return found


def bits(mol: Any) -> np.ndarray:
    """Return (256,) uint8: the bits of the Morgan fingerprint, packed."""
    return np.packbits(_morgan().GetFingerprintAsNumPy(mol))


def names(*, avalon: bool) -> tuple[str, ...]:
    """Return (f,) names of the counts."""
    parts = [("Morgan", MORGAN), ("ErG", ERG), *([("Avalon", AVALON)] if avalon else [])]
    return tuple(f"{name} {n}" for name, count in parts for n in range(count))


def _avalon(mol: Any) -> dict[int, int]:
    from rdkit.Avalon.pyAvalonTools import GetAvalonCountFP

    found: dict[int, int] = GetAvalonCountFP(mol, nBits=AVALON).GetNonzeroElements()
    return found


@functools.cache
def _morgan() -> Any:
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    return GetMorganGenerator(radius=RADIUS, fpSize=MORGAN)
