"""Places on a genome, 0-based and half-open, as the cells of a table or of BED tell them, and what the reference has there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from osler.core.errors import Refusal, Refused
from osler.modalities.sequences.read.reference import Reference, Strand

WIDEST = 1 << 24  # bases of an interval at most


@dataclass(frozen=True, slots=True)
class Interval:
    """[start, end) on `contig`, 0-based; `strand` is "+" where none is told."""

    contig: str
    start: int
    end: int
    strand: Strand = "+"


def interval(contig: str, start: str, end: str, *, strand: str = "+") -> Interval | Refusal:
    """Return the interval that cells tell, or why they tell none."""
    side = _strand(strand)
    if not contig.strip():
        return Refusal("interval", "there is no contig")
    numbers = [_whole(text) for text in (start, end)]
    if numbers[0] is None or numbers[1] is None:
        return Refusal("interval", "start and end are whole numbers from 0, start counted from 0, end not included")
    if side is None:
        return Refusal("strand", "the strand is '+' or '-', or '.' where it is not known, which is read as '+'")
    first, last = numbers[0], numbers[1]
    if not first < last <= first + WIDEST:
        return Refusal("interval", f"start lies before end, and between them are {WIDEST:,} bases at most")
    return Interval(contig.strip(), first, last, side)


def _whole(text: str) -> int | None:
    bare = text.strip().removesuffix(".0")
    return int(bare) if bare.isascii() and bare.isdigit() and len(bare) < 13 else None


def _strand(text: str) -> Literal["+", "-"] | None:
    bare = text.strip()
    if bare in {"-", "-1", "−"}:
        return "-"
    return "+" if bare in {"+", "1", "+1", ".", ""} else None


def from_intervals(intervals: Sequence[Interval | Refusal], source: Reference) -> list[np.ndarray | Refusal]:
    """Return for each interval the codes (length,) uint8 of its strand, N over the ends of its contig, or why it has none: it was refused
    before, its contig is not here, it lies wholly beyond it."""
    return [one if isinstance(one, Refusal) else _codes(one, source) for one in intervals]


def _codes(one: Interval, source: Reference) -> np.ndarray | Refusal:
    try:
        if one.start >= source.contigs[source.contig(one.contig)]:
            return Refusal("outside", "the interval lies beyond the end of its contig")
        return source.fetch(one.contig, one.start, one.end, one.strand)
    except Refused as refused:
        return refused.refusal


def from_fasta(names: Sequence[str], source: Reference, *, most: int = WIDEST) -> list[str | Refusal]:
    """Return for each name the letters of the record that is so called, or why there are none: no or several records of that name, empty,
    longer than `most`."""
    found: list[str | Refusal] = []
    for name in names:
        try:
            found.append(source.letters(name, most=most))
        except Refused as refused:
            found.append(refused.refusal)
    return found
