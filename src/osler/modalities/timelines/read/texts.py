"""What stands where a number is expected: a number after all, a limit of detection, a word, free text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osler.core.hashing import word_hash

if TYPE_CHECKING:
    import polars as pl

NOTHING, NUMBER, WORD, LONG = 0, 1, 2, 3
LONGEST_WORD = 64  # characters; longer text says that the event was, not what it was
# Not "none" and not "-": both are findings.
BLANKS = ("", "na", "n/a", "nan", "null", "<na>", "nat", "#n/a", ".", "..", "...", "?", "___")
_NUMBER = r"^(<=|>=|=<|=>|≤|≥|<|>)?\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(%)?$"
BELOW = "limit such as '<5' taken as its number"


@dataclass(frozen=True, slots=True)
class Texts:
    """Distinct texts read, n each: `kinds` NOTHING, NUMBER, WORD or LONG; `numbers` NaN where none; `units` "%" where it stands
    behind the number; `bounds` whether "<" or ">" stood before it; `hashes` (n,) uint32 of long texts, to tell them apart."""

    kinds: np.ndarray
    numbers: np.ndarray
    units: np.ndarray
    bounds: np.ndarray
    hashes: np.ndarray

    def counted(self, index: np.ndarray) -> Mapping[str, int]:
        """Return what a reader must know of the texts at `index`."""
        return Counter({BELOW: int(self.bounds[index].sum())})


def read_texts(texts: pl.Series) -> Texts:
    """Return what each of `texts` (n) says.

    A limit of detection ("<0.01") becomes its number, which is nearer to the truth than to know nothing; how many did is
    counted. A range ("3-5") and a word ("NEG") stay words.
    """
    import polars as pl

    trimmed = texts.str.strip_chars()
    parts = trimmed.str.extract_groups(_NUMBER).struct.unnest()
    numbers = parts.to_series(1).cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy(writable=True)
    blank = trimmed.str.to_lowercase().is_in(list(BLANKS)).to_numpy()
    long = (trimmed.str.len_chars() > LONGEST_WORD).to_numpy()
    endless = trimmed.str.to_lowercase().is_in(["inf", "+inf", "-inf", "infinity", "-infinity"]).to_numpy()
    numbers[endless] = np.inf
    kinds = np.where(blank, NOTHING, np.where(~np.isnan(numbers), NUMBER, np.where(long, LONG, WORD)))
    hashes = np.zeros(len(texts), np.uint32)
    hashes[long] = [word_hash(t) & 0xFFFFFFFF for t in trimmed.filter(pl.Series(long)).to_list()]
    bounds = parts.to_series(0).is_not_null().to_numpy() & ~np.isnan(numbers)
    return Texts(kinds, numbers, parts.to_series(2).fill_null("").to_numpy(), bounds, hashes)
