"""One cell as letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from osler.core.errors import Refusal, Refused
from osler.modalities.sequences.case import BARE, Letters, SequenceRows
from osler.modalities.sequences.read.alphabet import BASES, END, RESIDUES, encode
from osler.modalities.sequences.read.cells import cells
from osler.modalities.sequences.read.decide import refused_length

KNOWN = 0.1  # of the letters, fewer of which mean one base or residue: such a sequence tells nothing


def read(locator: SequenceRows, *, reading: Mapping[str, Any]) -> Letters | None:
    """Return the sequence in the one row of `locator`, None where its cell is empty; raises Refused."""
    cell = next(cells(locator))
    return None if cell is None else letters(cell, column=locator.column, reading=reading)


def letters(cell: str | Refusal, *, column: str, reading: Mapping[str, Any]) -> Letters:
    """Return the sequence that a cell tells; raises Refused with the column's name: a letter outside the alphabet, too long, or hardly
    a letter that is known (millions of N)."""
    if isinstance(cell, Refusal):
        raise Refused(cell)
    longest = int(reading["longest"])
    if len(cell) > longest:
        raise Refused(refused_length(len(cell), longest=longest, column=column))
    try:
        codes = encode(cell, str(reading["alphabet"]))
    except Refused as why:
        raise Refused(replace(why.refusal, column=column)) from None
    single = RESIDUES if reading["alphabet"] == "protein" else BASES
    known = int(((codes & BARE) < single).sum())
    if known < KNOWN * len(codes):
        raise Refused(
            Refusal("unknown-letters", f"{known:,} of {len(codes):,} letters are known: nothing can be told of it", column)
        )
    # '*' only says that a protein ends here
    return Letters(codes[:-1] if reading["alphabet"] == "protein" and len(codes) > 1 and codes[-1] == END else codes)
