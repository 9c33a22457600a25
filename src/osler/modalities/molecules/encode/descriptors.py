"""RDKit's 2-D descriptors that are cheap, and counts of atoms and bonds.

Of RDKit's 217 descriptors these are left out for their time on drug-like molecules (µs a molecule, one thread): QED 1,169, BCUT2D 365,
MolLogP with hydrogens 209, BertzCT 209, SPS 207, E-state indices 165 to 213, Ipc 115, BalabanJ 68, Chi4 63, rotatable bonds 54, MQN
49, and the 85 fragment counts 440. Of six tasks of absorption and toxicity boosting was better with them on one (docs/lab.md). What
only counts atoms and bonds is counted on the arrays of many molecules at once (`tallies`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from osler.core.columns import Ragged
from osler.modalities.molecules.encode.graphs import Graphs
from osler.modalities.molecules.encode.tallies import tallies

LIMIT = 1e6  # of any descriptor; a charge of infinity is none
_SINGLE = (
    "CalcTPSA", "CalcLabuteASA", "_CalcMolWt", "CalcHallKierAlpha", "CalcChi0v", "CalcChi1v", "CalcChi0n", "CalcChi1n",
    "CalcNumAmideBonds", "CalcNumAromaticRings", "CalcNumAliphaticRings", "CalcNumHeterocycles", "CalcNumAromaticHeterocycles",
    "CalcNumSpiroAtoms", "CalcNumBridgeheadAtoms", "CalcKappa1",
)  # fmt: skip
_SERIES = {"SlogP_VSA_": 12, "SMR_VSA_": 10, "PEOE_VSA_": 14}
_CRIPPEN = ("logP of heavy atoms", "molar refractivity of heavy atoms")
_OF_RDKIT = (
    *_CRIPPEN,
    *(name.removeprefix("_").removeprefix("Calc") for name in _SINGLE),
    *(f"{name.removesuffix('_')}{n + 1}" for name, count in _SERIES.items() for n in range(count)),
)
NAMES = (*_OF_RDKIT, *tallies(Graphs().arrays())[0])


def calculated(mol: Any) -> list[float]:
    """Return what RDKit calculates of one of its molecules, which may be no number."""
    crippen, single, series = _calculators()
    found = [*crippen(mol, includeHs=False)]
    found += [calculate(mol) for calculate in single]
    for calculate in series:
        found += calculate(mol)
    return found


def descriptors(each: Sequence[list[float]], graphs: dict[str, Ragged]) -> np.ndarray:
    """Return (n, d) float32 as NAMES says, of what RDKit `calculated` of each molecule and of their graphs: finite, what is no number
    as 0 and what is very large as LIMIT."""
    own = np.array(each, np.float64).reshape(-1, len(_OF_RDKIT))
    values = np.concatenate([own, tallies(graphs)[1]], axis=1)
    return np.clip(np.nan_to_num(values, nan=0.0, posinf=LIMIT, neginf=-LIMIT), -LIMIT, LIMIT).astype(np.float32)


NOTHING = [0.0] * len(_OF_RDKIT)  # calculated of an absent case


@functools.cache
def _calculators() -> tuple[Callable[..., Any], tuple[Callable[[Any], float], ...], tuple[Callable[[Any], Any], ...]]:
    from rdkit.Chem import rdMolDescriptors

    single = tuple(getattr(rdMolDescriptors, name) for name in _SINGLE)
    return rdMolDescriptors.CalcCrippenDescriptors, single, tuple(getattr(rdMolDescriptors, name) for name in _SERIES)
