"""From a variant and a reference to two windows, of the reference allele and of the alternative one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from osler.core.errors import Refused
from osler.modalities.sequences.read.alphabet import BASES, MASK, OUTSIDE, look_up, profile
from osler.modalities.sequences.read.reference import Reference

Why = Literal[
    "no_alt", "star", "symbolic", "breakend", "non_ref", "contig", "length", "outside", "mismatch", "letters", "same", "long",
    "reference", "refused",
]  # fmt: skip
WHY: dict[str, str] = {
    "no_alt": "the record has no ALT",
    "star": "the ALT is *, a deletion that another record tells",
    "symbolic": "the ALT is symbolic (such as <DEL>), its letters are not told",
    "breakend": "the ALT is a breakend",
    "non_ref": "the ALT is <NON_REF> or <*>, a block of a gVCF",
    "contig": "the reference has no such contig, or several",
    "length": "the file and the reference tell different lengths of the contig",
    "outside": "POS lies outside the contig",
    "mismatch": "REF is not what the reference has there",
    "letters": "REF or ALT holds letters that are no bases",
    "same": "REF and ALT are the same",
    "long": "an allele fills the whole window",
    "reference": "the reference holds letters that are no bases, or is not as its index says",
    "refused": "the bundle refuses the window",
}
EDGE = "edge"  # scored, with N beyond the end of the contig
LETTER = np.uint8(0xFF ^ MASK)  # a code without its soft mask
SHIFT = 1 << 12  # bases by which an indel is moved to the left at most

# the bases that each code stands for, as bits; soft-masked codes as the others
_BITS = ((profile("dna") > 0) @ (1 << np.arange(BASES))).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Pair:
    """The windows `reference` and `alternative` (length,) uint8 of one ALT; `edge` where one of them reaches over an end of the contig."""

    reference: np.ndarray
    alternative: np.ndarray
    edge: bool = False


@dataclass(frozen=True, slots=True)
class Allele:
    """One change: `reference` and `alternative` codes at `start` (0-based), without what both begin or end with."""

    start: int
    reference: np.ndarray
    alternative: np.ndarray


def pairs(
    reference: Reference, contig: str, place: int, *, ref: bytes, alts: Sequence[bytes], length: int
) -> list[Pair | Why]:  # fmt: skip
    """Return for each of `alts`, the ALT alleles, its two windows of `length`, or why it has none. `place` is POS − 1, `contig` as the
    reference calls it.

    What REF and ALT begin and end with alike is cut off, an insertion or deletion is moved as far to the left as it goes, so that one
    change has one pair of windows however it is written (Tan et al., Bioinformatics 2015;31:2202), and each window holds its allele in
    the middle, filled from the reference on both sides. An allele takes the soft mask of the base that it begins at.
    """
    fault = _fault(reference, contig, place, ref)
    return [fault or _pair(reference, contig, place, ref=ref, alt=alt, length=length) for alt in alts]


def _fault(reference: Reference, contig: str, place: int, ref: bytes) -> Why | None:
    """Return why no ALT of a record can be scored, None where some can."""
    codes = look_up(ref, "dna")
    if (codes == OUTSIDE).any():
        return "letters"
    if place < 0 or place + len(codes) > reference.contigs[contig]:
        return "outside"
    try:
        here = reference.fetch(contig, place, place + len(codes))
    except Refused:
        return "reference"
    # letters for several bases match each of them: VCF wants them reduced to one
    return None if (_BITS[here] & _BITS[codes]).all() else "mismatch"


def _pair(reference: Reference, contig: str, place: int, *, ref: bytes, alt: bytes, length: int) -> Pair | Why:
    kind = _unwritten(alt)
    if kind:
        return kind
    codes = look_up(alt, "dna")
    if (codes == OUTSIDE).any():
        return "letters"
    try:
        here = reference.fetch(contig, place, place + len(ref))
        allele = _leftmost(reference, contig, _trimmed(place, here, codes))
        return _windows(reference, contig, allele, length=length)
    except Refused:
        return "reference"


def _unwritten(alt: bytes) -> Why | None:
    """Return what an ALT is that does not spell its letters."""
    if alt == b".":
        return "no_alt"
    if alt == b"*":
        return "star"
    if alt in {b"<NON_REF>", b"<*>", b"<X>"}:
        return "non_ref"
    if alt[:1] == b"<":
        return "symbolic"
    return "breakend" if b"[" in alt or b"]" in alt or alt[:1] == b"." or alt[-1:] == b"." else None


def _trimmed(place: int, ref: np.ndarray, alt: np.ndarray) -> Allele:
    """Return the change without the end, and then without the beginning, that both alleles share."""
    short = min(len(ref), len(alt))
    bare, other = ref & LETTER, alt & LETTER
    end = _shared(bare[::-1][:short], other[::-1][:short])
    begin = _shared(bare[: short - end], other[: short - end])
    return Allele(place + begin, ref[begin : len(ref) - end], alt[begin : len(alt) - end])


def _shared(one: np.ndarray, other: np.ndarray) -> int:
    unequal = one != other
    return int(unequal.argmax()) if unequal.any() else len(one)


def _leftmost(reference: Reference, contig: str, allele: Allele) -> Allele:
    """Return an insertion or deletion as far to the left as the same change can be told."""
    moving = allele.reference if len(allele.reference) else allele.alternative
    if (len(allele.reference) and len(allele.alternative)) or not len(moving):
        return allele
    before = reference.fetch(contig, max(0, allele.start - SHIFT), allele.start) & LETTER
    bare = moving & LETTER
    # going left by s, the allele's last letter is bare[-1 - s], round and round, and must be what stands before
    cycle = np.resize(bare[::-1], len(before))
    alike = (cycle == before[::-1]) & (cycle < BASES)
    shift = len(before) if alike.all() else int((~alike).argmax())
    if not shift:
        return allele
    turned = np.roll(moving, shift % len(moving))
    start = allele.start - shift
    if not len(allele.reference):
        return Allele(start, allele.reference, turned)
    return Allele(start, reference.fetch(contig, start, start + len(turned)), allele.alternative)


def _windows(reference: Reference, contig: str, allele: Allele, *, length: int) -> Pair | Why:
    before, after = len(allele.reference), len(allele.alternative)
    if (not before and not after) or np.array_equal(allele.reference & LETTER, allele.alternative & LETTER):
        return "same"
    if max(before, after) >= length:
        return "long"
    left, other = (length - before) // 2, (length - after) // 2
    first, stop = allele.start, allele.start + before
    rest = length - other - after
    # one stretch holds both windows
    begin, end = first - max(left, other), max(first - left + length, stop + rest)
    stretch = reference.fetch(contig, begin, end)
    original = stretch[first - left - begin :][:length]
    here = first - begin
    alternative = np.concatenate(
        [stretch[here - other : here], _masked(allele, stretch, here), stretch[stop - begin : stop - begin + rest]]
    )
    return Pair(original.copy(), alternative, edge=begin < 0 or end > reference.contigs[contig])


def _masked(allele: Allele, stretch: np.ndarray, here: int) -> np.ndarray:
    mask = stretch[min(here, len(stretch) - 1)] & np.uint8(MASK)
    return (allele.alternative & LETTER) | mask
