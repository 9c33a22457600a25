"""One cell as a molecule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from osler.core.errors import Refusal, Refused
from osler.modalities.molecules.case import Molecule, MoleculeRows
from osler.modalities.molecules.read.cells import cells
from osler.modalities.molecules.read.notation import notation
from osler.modalities.molecules.read.parse import chemistry, doubtful, parsed, refused
from osler.modalities.molecules.read.standard import standardised
from osler.modalities.molecules.read.trial import SECONDS, trial


def read(locator: MoleculeRows, *, reading: Mapping[str, Any]) -> Molecule | None:
    """Return the molecule in the one row of `locator`, None where its cell is empty; raises Refused."""
    cell = next(cells(locator))
    return None if cell is None else molecule(cell, column=locator.column, reading=reading)


def molecule(cell: str | Refusal, *, column: str, reading: Mapping[str, Any]) -> Molecule:
    """Return the molecule that a cell tells; raises Refused with the column's name."""
    if isinstance(cell, Refusal):
        raise Refused(cell)
    try:
        if reading.get("most_seconds", SECONDS) > 0 and doubtful(cell, reading=reading):
            trial().check(cell, reading=reading, seconds=float(reading.get("most_seconds", SECONDS)))
        whole = parsed(cell, most_atoms=int(reading["most_atoms"]))
        return Molecule(_standardised(whole, _written(cell, whole), reading=reading), whole)
    except Refused as why:
        raise Refused(replace(why.refusal, column=column)) from None


def _written(cell: str, whole: Any) -> str:
    """Return a SMILES of the molecule, for a look at what there is to standardise: its own where the cell is one."""
    return cell if notation(cell) == "smiles" else str(chemistry().MolToSmiles(whole))


def _standardised(whole: Any, smiles: str, *, reading: Mapping[str, Any]) -> Any:
    try:
        return standardised(whole, smiles, reading=reading)
    except (ValueError, RuntimeError):  # RDKit's own errors are among these
        raise refused("standardise", "RDKit cannot standardise the molecule") from None
