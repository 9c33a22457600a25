"""Structural alerts: groups that trouble assays (PAINS; Baell and Holloway 2010), that are reactive or unwanted (Brenk et al. 2008,
NIH; Jadhav et al. 2010). They are shown and nothing is left out for them: many a drug has one.

RDKit compares a molecule with 765 patterns, which takes far longer than reading it: they are looked for in a sample of the training
molecules, and in predictions that are shown.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.modalities.molecules.encode.rebuild import rebuilt
from osler.modalities.molecules.fit import sampled
from osler.modalities.molecules.read.parse import chemistry

SETS = ("PAINS_A", "PAINS_B", "PAINS_C", "BRENK", "NIH")
SAMPLE = 100  # training molecules that are looked at


def alerts(columns: Columns, rows: np.ndarray) -> np.ndarray:
    """Return (m,) object, the names of each of `rows`' alerts by their set, "PAINS_A: quinone_A(370); NIH: …"; "" where there is none, None
    where nothing can be told."""
    found = np.empty(len(rows), object)
    for at, row in enumerate(rows.tolist()):
        mol = rebuilt(columns, row)
        found[at] = None if mol is None else "; ".join(f"{kind}: {name}" for kind, name in _found(mol))
    return found


def counted(columns: Columns, rows: np.ndarray) -> Mapping[str, Any]:
    """Return of a sample of `rows`: how many were looked at (`looked`), how many have any alert (`any`), and one of PAINS, Brenk's and
    NIH's (`sets`)."""
    mols = [mol for row in sampled(rows, most=SAMPLE).tolist() if (mol := rebuilt(columns, row)) is not None]
    each = [{kind.partition("_")[0] for kind, _ in _found(mol)} for mol in mols]
    sets = {name: sum(name in one for one in each) for name in ("PAINS", "BRENK", "NIH")}
    return {"looked": len(mols), "any": sum(bool(one) for one in each), "sets": sets}


def _found(mol: Any) -> list[tuple[str, str]]:
    return [(name, entry.GetDescription()) for name in SETS for entry in _catalogue(name).GetMatches(mol)]


@functools.cache
def _catalogue(name: str) -> Any:
    chemistry()
    from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

    wanted = FilterCatalogParams()
    wanted.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    return FilterCatalog(wanted)
