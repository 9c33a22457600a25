"""Scoring variants: what is asked for a file of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

OPENS = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")
WRITES = OPENS[:3]

# texts of sequences (n,) to scores (n, outputs) float64, NaN where one is refused
Scorer = Callable[["pa.Array"], np.ndarray]


@dataclass(frozen=True, slots=True)
class ScoredOutput:
    """One number that a bundle tells of a sequence: what follows OSLER_REF, OSLER_ALT, OSLER_DELTA in a key of INFO ("" of a single one,
    else letters, digits, `_` and `.`), and a sentence with its scale, without quotation marks."""

    suffix: str
    description: str


@dataclass(frozen=True, slots=True)
class VariantJob:
    """A file of variants to be scored: its place, where the scored one goes, the FASTA file of the `reference`, the user's word for its
    `assembly`; the `bundle`'s name, its `outputs`, and the folder for what may be made anew."""

    source: Path
    out: Path
    reference: Path
    bundle: str
    outputs: tuple[ScoredOutput, ...]
    cache: Path
    assembly: str | None = None


def is_variants(name: str) -> bool:
    """Whether a file of this name holds variants."""
    return name.lower().endswith(OPENS)
