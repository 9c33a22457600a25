"""From letters to fields: a byte each, and what tells equal sequences on either strand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.columns import Columns, Field, stacked
from osler.core.errors import Refusal, Refused
from osler.modalities.sequences.case import BARE, IDENTITY, LETTERS, Letters
from osler.modalities.sequences.read.alphabet import letters_of, reverse_complement
from osler.modalities.sequences.read.cells import cells, own
from osler.modalities.sequences.read.letters import letters


def fields(*, reading: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the letters, labelled by what each code stands for, and what tells equal sequences."""
    labels = tuple(letters_of(str(reading["alphabet"])))
    return Field(LETTERS, "uint8", (None,), labels=labels), Field(IDENTITY, "int64", (1,), role="identity")


def encode(case: Letters, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
    """Return one sequence's arrays, of the fields whose role is asked for."""
    found: dict[str, np.ndarray] = {}
    if "input" in roles:
        found[LETTERS] = case.codes
    if "identity" in roles:
        found[IDENTITY] = np.array([identity(case, alphabet=str(reading["alphabet"]))], np.int64)
    return found


def identity(case: Letters, *, alphabet: str) -> int:
    """Return the first half of the fingerprint, of nucleotides the lesser one of both strands."""
    here = fingerprint(case)[0]
    return here if alphabet == "protein" else min(here, fingerprint(Letters(reverse_complement(case.codes)))[0])


def fingerprint(case: Letters) -> tuple[int, int]:
    """Return a 128-bit hash of the letters, whatever their case."""
    digest = hashlib.blake2b((case.codes & BARE).tobytes(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little", signed=True) or 1, int.from_bytes(digest[8:], "little", signed=True)


def shard(locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
    """Return the columns of many sequences; one that cannot be read is absent and has its refusal, an empty cell is absent."""
    rows = own(locators)
    wanted = tuple(f for f in fields(reading=reading) if f.role in roles)
    taken: list[dict[str, np.ndarray] | None] = [None] * len(rows)
    prints = np.zeros((len(rows), 2), np.int64)
    refusals: dict[int, Refusal] = {}
    for row, cell in enumerate(cells(rows)):
        if cell is None:
            continue
        try:
            case = letters(cell, column=rows.column, reading=reading)
        except Refused as why:
            refusals[row] = why.refusal
            continue
        taken[row], prints[row] = encode(case, reading=reading, roles=roles), fingerprint(case)
    arrays = {f.name: stacked(f, [None if one is None else one[f.name] for one in taken]) for f in wanted}
    return Columns(wanted, arrays, np.array([one is not None for one in taken], bool), prints, refusals)
