"""RDKit's 2-D descriptors that are cheap: all of them together cost less than its logP with hydrogens and its E-state indices alone.

Of RDKit's 217 descriptors these are left out for their time on drug-like molecules (µs a molecule, one thread): QED 1,169, BCUT2D 365,
MolLogP with hydrogens 209, BertzCT 209, SPS 207, E-state indices 165 to 213, Ipc 115, BalabanJ 68, Chi4 63, rotatable bonds 54
(MQN counts them), and the 85 fragment counts 440. On eight tasks of absorption and toxicity boosting was no better with them (docs/lab.md).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

LIMIT = 1e6  # of any descriptor; a charge of infinity is none
_SINGLE = (
    "CalcTPSA", "CalcLabuteASA", "_CalcMolWt", "CalcFractionCSP3", "CalcHallKierAlpha", "CalcChi0v", "CalcChi1v", "CalcChi0n",
    "CalcChi1n", "CalcNumHBD", "CalcNumLipinskiHBA", "CalcNumAmideBonds", "CalcNumAromaticRings", "CalcNumAliphaticRings",
    "CalcNumHeterocycles", "CalcNumAromaticHeterocycles", "CalcNumSpiroAtoms", "CalcNumBridgeheadAtoms",
    "CalcNumAtomStereoCenters", "CalcKappa1",
)  # fmt: skip
_SERIES = {"SlogP_VSA_": 12, "SMR_VSA_": 10, "PEOE_VSA_": 14, "MQNs_": 42}
_CRIPPEN = ("logP of heavy atoms", "molar refractivity of heavy atoms")
NAMES = (
    *_CRIPPEN,
    *(name.removeprefix("_").removeprefix("Calc") for name in _SINGLE),
    *(f"{name.removesuffix('_').removesuffix('s')}{n + 1}" for name, count in _SERIES.items() for n in range(count)),
)


def descriptors(mol: Any) -> list[float]:
    """Return (d,) numbers, which may be none; NAMES says what each is."""
    logp, single, series = _calculators()
    found = [*logp(mol, includeHs=False)]
    found += [calculate(mol) for calculate in single]
    for calculate in series:
        found += calculate(mol)
    return found


def finite(values: np.ndarray) -> np.ndarray:
    """Return descriptors as float32, what is no number as 0 and what is very large as LIMIT."""
    return np.clip(np.nan_to_num(values, nan=0.0, posinf=LIMIT, neginf=-LIMIT), -LIMIT, LIMIT).astype(np.float32)


@functools.cache
def _calculators() -> tuple[Callable[..., Any], tuple[Callable[[Any], float], ...], tuple[Callable[[Any], Any], ...]]:
    from rdkit.Chem import rdMolDescriptors

    single = tuple(getattr(rdMolDescriptors, name) for name in _SINGLE)
    return rdMolDescriptors.CalcCrippenDescriptors, single, tuple(getattr(rdMolDescriptors, name) for name in _SERIES)
