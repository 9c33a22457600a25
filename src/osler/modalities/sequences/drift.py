"""How new sequences differ from those of training: their lengths, and how much of them each letter makes up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.core.drift import Shift
from osler.core.number_shifts import number_facts, number_shifts, number_sums
from osler.modalities.sequences.case import BARE
from osler.modalities.sequences.encode.words import base_of
from osler.modalities.sequences.gather import alphabet_in, ragged
from osler.modalities.sequences.read.alphabet import MASK, letters_of


def told(letters: Ragged, *, alphabet: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names (t,) and values (n, t) float64 of what is compared: the length, the shares of the letters that mean one thing
    (of nucleotides that of G and C), of letters that stand for several, and of soft-masked ones."""
    lengths = np.diff(letters.offsets)
    owner, bare = np.repeat(np.arange(len(letters)), lengths), letters.values & BARE
    base, least = base_of(alphabet), np.maximum(lengths, 1)

    def share(which: np.ndarray) -> np.ndarray:
        return np.bincount(owner[which], minlength=len(letters)) / least

    found = {"length": lengths.astype(np.float64)}
    if alphabet == "protein":
        found |= {f"share of {letter}": share(bare == code) for code, letter in enumerate(letters_of(alphabet)[:base])}
    else:
        found |= {"GC share": share((bare == 1) | (bare == 2))}
    found |= {"unknown letters": share(bare >= base), "soft-masked letters": share(letters.values & MASK > 0)}
    return tuple(found), np.stack(list(found.values()), axis=1)


def drift_facts(letters: Ragged, *, alphabet: str, cases: int) -> dict[str, Any]:
    """Return the facts (`number_facts`) of what is told among the training `letters`, a sample of `cases`."""
    names, values = told(letters, alphabet=alphabet)
    return number_facts(names, values, cases=cases)


def drift_sums(columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the sums (`number_sums`) of the sequences of `rows` that are there."""
    known = facts.get("drift") or {}
    if not known:
        return {}
    _, values = told(ragged(columns).take(rows[columns.present[rows]]), alphabet=alphabet_in(columns))
    return number_sums(values, known=known)


def drift(sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any]) -> tuple[Shift, ...]:
    """Return one shift for each thing told."""
    return number_shifts(sums, known=facts.get("drift") or {})
