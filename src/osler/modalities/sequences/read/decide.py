"""Whether a column holds sequences, and how they are read: decisions from what the cells are, never from labels."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from osler.core.errors import Refusal
from osler.core.plan import Decision, Plan
from osler.modalities.sequences.read.alphabet import alphabet_of
from osler.modalities.sequences.read.cells import cells, own

SAMPLE = 1000  # cells that tell the alphabet
LONGEST = 100_000  # letters: a batch of longer ones does not fit in memory
ALPHABETS = ("dna", "rna", "protein")
SHORTEST = {"dna": 12, "rna": 12, "protein": 30}  # letters of the usual cell; shorter ones may be words or codes
DIFFERENT = {"dna": 3, "rna": 3, "protein": 12}  # letters that a sample of sequences holds at least
SURE = 0.95


def recognises(found: Sequence[str]) -> float:
    """Return how surely a column holds sequences: long cells in the letters of one alphabet, nearly none of them twice.

    Genotypes (AG), alleles, k-mers and short peptides stay with other kinds of data unless the study says otherwise.
    """
    alphabet = alphabet_of(found)
    if alphabet is None or statistics.median(map(len, found)) < SHORTEST[alphabet]:
        return 0.0
    different = set("".join(found).upper()) - set("N*X")
    repeated = len(set(found)) < min(len(found), 3)
    return 0.0 if len(different) < DIFFERENT[alphabet] or repeated else SURE


def reading(locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
    """Return the alphabet and the longest sequence. Raises PlanError for values that cannot be."""
    found = Plan((
        _alphabet(locators),
        Decision("longest", LONGEST, "letters; longer sequences are refused: cut the part of interest out of them"),
    ))  # fmt: skip
    return found.set_by_user({name: value for name, value in settings.items() if name in found}).decisions


def _alphabet(locators: Sequence[Any]) -> Decision:
    every = max(1, len(locators) // SAMPLE)
    some = (locators[row : row + 1] for row in range(0, len(locators), every)) if every > 1 else iter((locators,))
    texts = [cell for part in itertools.islice(some, SAMPLE) for cell in cells(own(part)) if isinstance(cell, str)]
    alphabet = alphabet_of([text[:LONGEST] for text in texts])
    if alphabet is None:
        reason = "no alphabet fits nine in ten of the cells: what is no DNA will be refused; set another if it is one"
        return Decision("alphabet", "dna", reason, choices=ALPHABETS)
    return Decision("alphabet", alphabet, f"nine in ten of {len(texts)} cells hold its letters alone", choices=ALPHABETS)


def refused_length(length: int, *, longest: int, column: str) -> Refusal:
    """Return why a sequence of `length` letters is not read."""
    return Refusal("too-long", f"{length:,} letters are more than the {longest:,} of the decision 'longest'", column)
