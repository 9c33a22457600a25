"""From letters to fields: a byte each, and what tells equal sequences on either strand."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from osler.core.columns import Columns, Field, stacked
from osler.core.errors import Refusal, Refused
from osler.modalities.sequences.case import BARE, IDENTITY, LETTERS, TRACK, Letters
from osler.modalities.sequences.read.alphabet import letters_of, reverse_complement
from osler.modalities.sequences.read.cells import cells, own, track_cells
from osler.modalities.sequences.read.letters import letters
from osler.modalities.sequences.read.tracks import track


def fields(*, reading: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the letters, labelled by what each code stands for, what tells equal sequences, and a value for each letter, which columns
    have where the target does."""
    labels = tuple(letters_of(str(reading["alphabet"])))
    track = Field(TRACK, "float32", (None,), role="target", warp="nearest")
    return Field(LETTERS, "uint8", (None,), labels=labels), Field(IDENTITY, "int64", (1,), role="identity"), track


def encode(case: Letters, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
    """Return one sequence's arrays, of the fields whose role is asked for."""
    found: dict[str, np.ndarray] = {}
    if "input" in roles:
        found[LETTERS] = case.codes
    if "identity" in roles:
        found[IDENTITY] = np.array([identity(case, alphabet=str(reading["alphabet"]))], np.int64)
    if "target" in roles and case.track is not None:
        found[TRACK] = case.track
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
    """Return the columns of many sequences; one that cannot be read is absent and has its refusal, as one whose track cannot be, and an
    empty cell is absent."""
    rows = own(locators)
    tracked = rows.track is not None and "target" in roles
    roles = roles | {"identity"} if tracked else roles  # of images with such a target it is dear, and not asked for
    wanted = tuple(f for f in fields(reading=reading) if f.role in roles and (tracked or f.name != TRACK))
    taken: list[dict[str, np.ndarray] | None] = [None] * len(rows)
    prints = np.zeros((len(rows), 2), np.int64)
    refusals: dict[int, Refusal] = {}
    told = track_cells(rows) if tracked else itertools.repeat(None)
    for row, (cell, values) in enumerate(zip(cells(rows), told, strict=False)):
        if cell is None:
            continue
        try:
            case = letters(cell, column=rows.column, reading=reading)
            case = replace(case, track=track(values, length=len(case.codes), column=str(rows.track))) if tracked else case
        except Refused as why:
            refusals[row] = why.refusal
            continue
        taken[row], prints[row] = encode(case, reading=reading, roles=roles), fingerprint(case)
    arrays = {f.name: stacked(f, [None if one is None else one[f.name] for one in taken]) for f in wanted}
    return Columns(wanted, arrays, np.array([one is not None for one in taken], bool), prints, refusals)
