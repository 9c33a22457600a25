"""Sequences of the test that training knows: the other strand, and long pieces in common."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osler.core.clue import Clues
from osler.core.columns import Columns
from osler.core.leak import Leak
from osler.core.split import Split
from osler.modalities.sequences.case import BARE, IDENTITY
from osler.modalities.sequences.gather import alphabet_in, ragged
from osler.modalities.sequences.keys.pieces import LENGTH, MOST, pieces
from osler.modalities.sequences.read.alphabet import BASES

NEARNESS = "share of its pieces that training sequences hold"
GC = "GC share"
NOBODY = np.empty(0, np.int64)


def leaks(columns: Columns, split: Split) -> tuple[Leak, ...]:
    """Return reverse complements and sequences that share a piece with training. Equal sequences are looked for by the spine, and not
    told again."""
    if IDENTITY not in columns.arrays:
        return ()
    validation = np.concatenate([split.tune, split.calibrate])
    sides = (("test", split.test, split.development), ("validation", validation, split.training))
    return tuple(leak for side in sides for leak in (*_turned(columns, *side), *_near(columns, *side)))


def _turned(columns: Columns, side: str, here: np.ndarray, there: np.ndarray) -> Iterator[Leak]:
    keys, own = np.asarray(columns[IDENTITY])[:, 0], np.asarray(columns.fingerprints)[:, 0]
    here, there = (rows[columns.present[rows]] for rows in (here, there))
    here = here[~np.isin(own[here], own[there])]
    copies = here[np.isin(keys[here], keys[there])]
    if len(copies):
        known = there[np.isin(keys[there], keys[copies])]
        sentence = f"{len(copies)} {side} sequences are the reverse complements of {len(known)} training sequences"
        test = side == "test"
        yield Leak("same-sequence", "stop" if test else "warn", sentence, known, copies if test else NOBODY)


def _near(columns: Columns, side: str, here: np.ndarray, there: np.ndarray) -> Iterator[Leak]:
    keys = np.asarray(columns[IDENTITY])[:, 0]
    here, there = (rows[columns.present[rows]] for rows in (here, there))
    here = here[~np.isin(keys[here], keys[there])]
    if not len(here) or not len(there):
        return
    alphabet, share = alphabet_in(columns), _share(columns, here, there)
    asked, owner = pieces(ragged(columns).take(here), alphabet=alphabet, share=share)
    known, source = pieces(ragged(columns).take(there), alphabet=alphabet, share=share)
    near, at_fault = here[np.unique(owner[np.isin(asked, known)])], there[np.unique(source[np.isin(known, asked)])]
    if len(near):
        sentence = f"{len(near)} {side} sequences share {LENGTH[alphabet]} letters or more in a row with {len(at_fault)} training sequences"
        yield Leak("near-sequence", "warn", sentence, at_fault, near if side == "test" else NOBODY)


def _share(columns: Columns, *parts: np.ndarray) -> int:
    lengths = np.diff(ragged(columns).offsets)
    return max(1, int(sum(int(lengths[part].sum()) for part in parts)) // MOST)


def nearness(columns: Columns, rows: np.ndarray, *, among: np.ndarray) -> dict[str, np.ndarray]:
    """Return under NEARNESS the share (m,) of each sequence's pieces of 40 letters (proteins: 15) that a sequence of `among` holds, on
    either strand; NaN of one without a piece."""
    if IDENTITY not in columns.arrays or not len(among):
        return {}
    alphabet, share = alphabet_in(columns), _share(columns, rows, among)
    asked, owner = pieces(ragged(columns).take(rows), alphabet=alphabet, share=share)
    known, _ = pieces(ragged(columns).take(among[columns.present[among]]), alphabet=alphabet, share=share)
    total = np.bincount(owner, minlength=len(rows))
    held = np.bincount(owner[np.isin(asked, known)], minlength=len(rows))
    return {NEARNESS: np.where(total > 0, held / np.maximum(total, 1), np.nan)}


def clues(columns: Columns, rows: np.ndarray) -> Iterator[Clues]:
    """Yield what `plain` tells."""
    found = plain(columns, rows)
    yield Clues(tuple(found), np.stack(list(found.values())))


def plain(columns: Columns, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return by name (m,) the length and, of nucleotides, the share of G and C among known bases; NaN where unknown."""
    letters = ragged(columns).take(rows)
    lengths = np.diff(letters.offsets)
    found = {"length": np.where(columns.present[rows], lengths, np.nan).astype(np.float64)}
    if alphabet_in(columns) != "protein":
        bare, owner = letters.values & BARE, np.repeat(np.arange(len(rows)), lengths)
        known = np.bincount(owner[bare < BASES], minlength=len(rows))
        strong = np.bincount(owner[(bare == 1) | (bare == 2)], minlength=len(rows))
        found[GC] = np.where(known > 0, strong / np.maximum(known, 1), np.nan)
    return found
