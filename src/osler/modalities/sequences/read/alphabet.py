"""Letters of DNA, RNA and proteins as one byte each, and back; all by tables of 256 places.

Nucleotides: A 0, C 1, G 2, T or U 3, N 4, then the letters for several bases of IUPAC-IUB (Cornish-Bowden, Nucleic Acids Res. 1985;13:3021),
R Y S W K M B D H V, 5 to 14. Amino acids: the twenty in the order of their letters 0 to 19, X 20, B Z J U O 21 to 25, and `*`, the
end, 26 (IUPAC-IUB JCBN, Eur. J. Biochem. 1984;138:9). A lower-case letter is soft-masked: its code has the bit `MASK`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from osler.core.errors import Refusal, Refused

Alphabet = Literal["dna", "rna", "protein"]

NUCLEOTIDES = "ACGTNRYSWKMBDHV"
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWYXBZJUO*"
BASES, RESIDUES = 4, 20  # letters that stand for one thing
UNKNOWN_BASE, UNKNOWN_RESIDUE, END = 4, 20, 26
MASK = 0x80  # of a lower-case letter
GAPS = b"-."
SHARE = 0.9  # of cells, and of their letters, from which they are written in an alphabet

# what each letter for several stands for
_BASES_OF = dict(
    zip(NUCLEOTIDES, ("A", "C", "G", "T", "ACGT", "AG", "CT", "CG", "AT", "GT", "AC", "CGT", "AGT", "ACT", "ACG"), strict=True)
)
_RESIDUES_OF = {"X": AMINO_ACIDS[:RESIDUES], "B": "DN", "Z": "EQ", "J": "IL", "U": "C", "O": "K", "*": ""}
_OUTSIDE = 0xFF
_LETTERS = {"dna": NUCLEOTIDES, "rna": NUCLEOTIDES.replace("T", "U"), "protein": AMINO_ACIDS}
_NAMES = {"dna": "DNA", "rna": "RNA", "protein": "proteins"}


def _codes(letters: str, *, also: str = "") -> np.ndarray:
    """Return the code of each byte (256,), `_OUTSIDE` where it is no letter; `also` tells other letters of code 3."""
    table = np.full(256, _OUTSIDE, np.uint8)
    pairs = [*enumerate(letters), *((3, letter) for letter in also)]
    for code, letter in pairs:
        table[ord(letter.lower())] = code | MASK
        table[ord(letter)] = code
    return table


def _bytes(letters: str) -> np.ndarray:
    table = np.full(256, ord("?"), np.uint8)
    for code, letter in enumerate(letters):
        table[code], table[code | MASK] = ord(letter), ord(letter.lower())
    return table


def _complements() -> np.ndarray:
    swap = str.maketrans("ACGT", "TGCA")
    letter_of = {frozenset(bases): letter for letter, bases in _BASES_OF.items()}
    table = np.arange(256, dtype=np.uint8)
    for code, letter in enumerate(NUCLEOTIDES):
        table[code] = NUCLEOTIDES.index(letter_of[frozenset(_BASES_OF[letter].translate(swap))])
        table[code | MASK] = table[code] | MASK
    return table


# RNA is often written with the letters of DNA, so T is read as U; a U in DNA is a mistake
_TO_CODE = {"dna": _codes(NUCLEOTIDES), "rna": _codes(_LETTERS["rna"], also="T"), "protein": _codes(AMINO_ACIDS)}
_TO_LETTER = {name: _bytes(letters) for name, letters in _LETTERS.items()}
_COMPLEMENT = _complements()


def encode(text: str | bytes, alphabet: str) -> np.ndarray:
    """Return the codes (length,) uint8 of a sequence; white space around it is left out.

    Raises Refused: "empty-sequence", "gap", "letter" outside the alphabet, "end-inside" a protein; the sentence tells the first place
    (from 1), never the letters.
    """
    raw = text.encode("ascii", "replace") if isinstance(text, str) else text
    bare = raw.strip()
    codes = _TO_CODE[alphabet][np.frombuffer(bare, np.uint8)]
    if not len(codes):
        raise Refused(Refusal("empty-sequence", "there is no letter in it"))
    wrong = codes == _OUTSIDE
    if wrong.any():
        place = int(wrong.argmax())
        raise Refused(_wrong(bare[place], place=place + 1 + raw.index(bare), alphabet=alphabet))
    if alphabet == "protein":
        _check_end(codes)
    return codes


def _wrong(byte: int, *, place: int, alphabet: str) -> Refusal:
    if byte in GAPS:
        return Refusal("gap", f"letter {place} is a gap; give the sequence without the gaps of an alignment")
    return Refusal("letter", f"letter {place} is none of {_NAMES[alphabet]}; known are {' '.join(_LETTERS[alphabet])}")


def _check_end(codes: np.ndarray) -> None:
    ends = np.flatnonzero(codes[:-1] == END)
    if len(ends):
        raise Refused(
            Refusal("end-inside", f"letter {int(ends[0]) + 1} is '*', the end, and others follow; cut the protein there")
        )


def decode(codes: np.ndarray, alphabet: str) -> str:
    """Return the letters of `codes` (length,) uint8, soft-masked ones in lower case; a code without a letter is `?`."""
    return bytes(_TO_LETTER[alphabet][codes]).decode("ascii")


def letters_of(alphabet: str) -> str:
    """Return the letters of an alphabet in the order of their codes."""
    return _LETTERS[alphabet]


def complement(codes: np.ndarray) -> np.ndarray:
    """Return the codes of the opposite bases, place by place; letters for several and the soft mask are kept right."""
    return np.asarray(_COMPLEMENT[codes])


def reverse_complement(codes: np.ndarray) -> np.ndarray:
    """Return the codes (…, length) of the other strand, read in its own direction."""
    return complement(codes[..., ::-1])


def alphabet_of(cells: Sequence[str]) -> Alphabet | None:
    """Return what `cells` are written in, or None: nine in ten are of its letters alone, and of nucleotides nine in ten letters are
    single bases or N, as a protein may by chance be written in the letters for several bases."""
    some = [cell.strip().encode("ascii", "replace").upper() for cell in cells]
    some = [cell for cell in some if cell]
    if not some:
        return None
    counts = np.bincount(np.frombuffer(b"".join(some), np.uint8), minlength=256)
    single = counts[list(b"ACGTUN")].sum() >= SHARE * counts.sum()
    if single and _share(some, NUCLEOTIDES + "U") >= SHARE:
        return "rna" if counts[ord("U")] > counts[ord("T")] else "dna"
    return "protein" if _share(some, AMINO_ACIDS) >= SHARE else None


def _share(cells: Sequence[bytes], letters: str) -> float:
    """Return the share of `cells` that are written in `letters` alone."""
    return sum(not cell.translate(None, letters.encode()) for cell in cells) / len(cells)


def profile(alphabet: str) -> np.ndarray:
    """Return by code (256, letters) float32 how likely each of the 4 bases, or 20 amino acids, is: 1 for a single one, even shares for
    a letter that stands for several (selenocysteine and pyrrolysine as the cysteine and lysine that they resemble), 0 for the end.

    Soft-masked letters are as the others; a code without a letter is zeros.
    """
    letters, single, several = (AMINO_ACIDS, RESIDUES, _RESIDUES_OF) if alphabet == "protein" else (NUCLEOTIDES, BASES, _BASES_OF)
    table = np.zeros((256, single), np.float32)
    for code, letter in enumerate(letters):
        meant = several.get(letter, letter)
        for one in meant:
            table[[code, code | MASK], letters.index(one)] = 1 / len(meant)
    return table
