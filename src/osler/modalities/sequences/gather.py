"""Batches of sequences: a byte a letter, shorter ones filled up behind their end; no loop over sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.modalities.sequences.case import LETTERS, PAD, TRACK
from osler.modalities.sequences.read.alphabet import RESIDUES

if TYPE_CHECKING:
    from torch import Tensor

PADDED = np.uint8(PAD)
LETTERS_AT_ONCE = 1 << 22  # that are counted or compared: some numbers of eight bytes are made of each


def gather(
    columns: Columns, rows: np.ndarray, *, window: int, windows: np.ndarray | None = None, names: Sequence[str] = (LETTERS,)
) -> dict[str, Tensor]:
    """Return LETTERS (B, longest) uint8 of the cases `rows`, PAD behind the end, and where it is among `names` TRACK (B, 1, longest), NaN
    there; of longer ones the middle `window` letters, or those of `windows` (B, 1, 2)."""
    import torch

    found = {LETTERS: torch.from_numpy(padded(ragged(columns), rows, window=window, windows=windows))}
    if TRACK in names:
        values = padded(track(columns), rows, window=window, windows=windows, fill=np.float32(np.nan))
        found[TRACK] = torch.from_numpy(values[:, None])
    return found


def padded(
    letters: Ragged, rows: np.ndarray, *, window: int, windows: np.ndarray | None = None, fill: np.generic = PADDED
) -> np.ndarray:
    """Return (B, longest), in the type of the letters' values, `fill` behind the ends."""
    starts, lengths = letters.offsets[:-1][rows], np.diff(letters.offsets)[rows]
    kept = np.minimum(lengths, window) if windows is None else windows[:, 0, 1] - windows[:, 0, 0]
    starts = starts + ((lengths - kept) // 2 if windows is None else windows[:, 0, 0])
    along = np.arange(int(kept.max(initial=0)))
    index = starts[:, None] + along
    if (kept == len(along)).all():
        return np.asarray(letters.values[index])
    inside = along < kept[:, None]
    return np.where(inside, letters.values[np.where(inside, index, 0)], fill)


def windows(columns: Columns, rows: np.ndarray, *, window: int, generator: np.random.Generator) -> np.ndarray | None:
    """Return pieces (B, 1, 2) of at most `window` letters at random places, where the target has a value for each letter and one of the
    cases `rows` is longer; else None: of a whole sequence its middle tells."""
    lengths = np.diff(ragged(columns).offsets)[rows]
    if TRACK not in columns.arrays or lengths.max(initial=0) <= window:
        return None
    sides = np.minimum(lengths, window)
    start = np.floor(generator.random(len(rows)) * (lengths - sides + 1)).astype(np.int64)
    return np.stack([start, start + sides], axis=-1)[:, None]


def tiles(length: int, *, window: int) -> np.ndarray | None:
    """Return pieces (t, 1, 2) of `window` letters that cover `length`, neighbours half over one another; None where one holds all."""
    if length <= window:
        return None
    many = 1 + -(-(length - window) // max(1, window // 2))
    start = np.rint(np.linspace(0, length - window, many)).astype(np.int64)
    return np.stack([start, start + window], axis=-1)[:, None]


def tile_weights(length: int) -> np.ndarray:
    """Return (length,) float32: how much each letter of a piece counts where pieces overlap, least at its ends, which see one side."""
    away = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1))
    return (away / away.max(initial=1)).astype(np.float32)


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


def track(columns: Columns) -> Ragged:
    """Return the values of all letters of all cases."""
    array = columns[TRACK]
    assert isinstance(array, Ragged)
    return array


def alphabet_in(columns: Columns) -> str:
    """Return in which alphabet the columns are written."""
    labels = columns.field(LETTERS).labels
    return "protein" if len(labels) > RESIDUES else "rna" if "U" in labels else "dna"
