"""In which notation a cell tells a molecule: SMILES, InChI, or the text of a molfile (V2000 or V3000)."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from typing import Literal

Notation = Literal["smiles", "inchi", "molfile"]
SAMPLE = 40  # cells of a column that are parsed to see whether it holds molecules
SHARE = 0.9  # of the sample, from which a column holds molecules
LETTERS = 4  # of the usual cell; codes of two or three letters (CC, NO, B) read as SMILES too

# what OpenSMILES allows outside brackets, bracket atoms, bonds, branches, ring closures and dots
_SMILES = re.compile(r"(?:\[[^\[\]\s]+\]|Br|Cl|[BCNOPSFIbcnops*]|[-=#$:/\\.()~@+]|%\d\d|\d)+(?:\s+\|.*\|)?(?:\s.*)?", re.ASCII)
_SHAPED = re.compile(r"[=#()\[\]]|[cnos]\d", re.ASCII)


def notation(text: str) -> Notation:
    """Return what `text` is written in."""
    if text.lstrip().startswith("InChI="):
        return "inchi"
    return "molfile" if "\n" in text and ("V2000" in text or "V3000" in text) else "smiles"


def recognises(cells: Sequence[str]) -> float:
    """Return how surely a column holds molecules: the share of a sample that RDKit reads, if it looks like molecules at all."""
    some = list(dict.fromkeys(cells))[: 4 * SAMPLE]
    kinds = [notation(cell) for cell in some]
    looks = [kind != "smiles" or _SMILES.fullmatch(cell) is not None for kind, cell in zip(kinds, some, strict=True)]
    if not some or sum(looks) < SHARE * len(some):
        return 0.0
    plain = [cell for kind, cell in zip(kinds, some, strict=True) if kind == "smiles"]
    shaped = sum(bool(_SHAPED.search(cell)) for cell in plain)
    if plain and (statistics.median(map(len, plain)) < LETTERS or 2 * shaped < len(plain)):
        return 0.0
    return _parsed(some[:: max(1, len(some) // SAMPLE)][:SAMPLE])


def _parsed(cells: Sequence[str]) -> float:
    from osler.core.errors import MissingExtra, Refused
    from osler.modalities.molecules.read.parse import parsed

    good = 0
    for cell in cells:
        try:
            parsed(cell, most_atoms=1000)
        except Refused:
            continue
        except MissingExtra:  # told when the input is read
            return SHARE
        good += 1
    return good / len(cells) if good >= SHARE * len(cells) else 0.0
