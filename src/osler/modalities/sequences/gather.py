"""Batches of sequences: a byte a letter, shorter ones filled up behind their end; no loop over sequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.modalities.sequences.case import LETTERS, PAD
from osler.modalities.sequences.read.alphabet import RESIDUES

if TYPE_CHECKING:
    from torch import Tensor

LETTERS_AT_ONCE = 1 << 22  # that are counted or compared: some numbers of eight bytes are made of each


def gather(columns: Columns, rows: np.ndarray, *, window: int) -> dict[str, Tensor]:
    """Return LETTERS (B, longest) uint8 of the cases `rows`, PAD behind the end; of longer ones the middle `window` letters."""
    import torch

    return {LETTERS: torch.from_numpy(padded(ragged(columns), rows, window=window))}


def padded(letters: Ragged, rows: np.ndarray, *, window: int) -> np.ndarray:
    """Return (B, longest) uint8."""
    starts, lengths = letters.offsets[:-1][rows], np.diff(letters.offsets)[rows]
    kept = np.minimum(lengths, window)
    starts = starts + (lengths - kept) // 2
    along = np.arange(int(kept.max(initial=0)))
    index = starts[:, None] + along
    if (kept == len(along)).all():
        return np.asarray(letters.values[index])
    inside = along < kept[:, None]
    return np.where(inside, letters.values[np.where(inside, index, 0)], np.uint8(PAD))


def blocks(lengths: np.ndarray, *, most: int = LETTERS_AT_ONCE) -> Iterator[tuple[int, int]]:
    """Yield runs [start, stop) of sequences with `lengths` (n,) that hold at most `most` letters together, or one that is longer."""
    ends, start = np.cumsum(lengths), 0
    while start < len(lengths):
        before = int(ends[start] - lengths[start])
        stop = max(start + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield start, stop
        start = stop


def ragged(columns: Columns) -> Ragged:
    """Return the letters of all cases."""
    array = columns[LETTERS]
    assert isinstance(array, Ragged)
    return array


def alphabet_in(columns: Columns) -> str:
    """Return in which alphabet the columns are written."""
    labels = columns.field(LETTERS).labels
    return "protein" if len(labels) > RESIDUES else "rna" if "U" in labels else "dna"
