"""Files of known motifs, as text: minimal MEME and JASPAR; and MEME of what was found.

A file comes from anywhere: its size, the number of motifs and their width are bounded, and what is wrong is told by its line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from osler.core.errors import OutputError, RequestError
from osler.modalities.sequences.motifs.letters import LETTERS
from osler.modalities.sequences.motifs.match import Known

MOST_BYTES, MOST_MOTIFS, WIDEST, LONGEST_NAME = 64_000_000, 20_000, 500, 200
NOT_ONE = 0.05  # how far the probabilities of a place may be from one, as files round them
_MATRIX = re.compile(r"(\w+)\s*=\s*(\S+)")
_CONTROL = re.compile(r"[^ -~]")


def read_motifs(path: Path, *, alphabet: str = "dna") -> tuple[Known, ...]:
    """Return the motifs of a file in MEME or JASPAR text, in its order; `alphabet` is "dna", "rna" or "protein".

    JASPAR has counts of A, C, G and T; they become frequencies. Raises RequestError, which names the file and the line, for one that is no
    such file, has no motif, is too large, has motifs of another alphabet, or numbers that are no counts or probabilities.
    """
    lines = _lines(path)
    first = next((line for line in lines if line.strip()), "")
    try:
        found = tuple(_read_as(first, lines, alphabet=alphabet))
    except _Wrong as wrong:
        raise RequestError(f"'{path.name}', line {wrong.line}: {wrong}") from None
    if not found:
        raise RequestError(f"'{path.name}' has no motif")
    return found


def write_meme(motifs: Mapping[str, tuple[np.ndarray, int]], path: Path, *, alphabet: str = "dna", strands: bool = True) -> None:
    """Write motifs by name, each a matrix (kinds, width) of frequencies and the number of its sites, as minimal MEME; raises OutputError."""
    head = f"MEME version 4\n\nALPHABET= {LETTERS[alphabet]}\n\n" + ("strands: + -\n\n" if strands else "")
    parts = [head]
    for name, (matrix, sites) in motifs.items():
        kinds, wide = matrix.shape
        parts.append(f"MOTIF {name}\nletter-probability matrix: alength= {kinds} w= {wide} nsites= {sites} E= 0\n")
        parts += [" ".join(f"{v:.6f}" for v in column) + "\n" for column in matrix.T]
        parts.append("\n")
    try:
        path.write_text("".join(parts), encoding="ascii")
    except OSError as error:
        raise OutputError(f"cannot write '{path.name}': {error.strerror}; choose another place") from None


def _read_as(first: str, lines: Sequence[str], *, alphabet: str) -> Iterator[Known]:
    if first.startswith("MEME"):
        return _meme(lines, alphabet=alphabet)
    if first.startswith(">"):
        return _jaspar(lines, alphabet=alphabet)
    raise _Wrong("it starts neither with 'MEME version' nor with '>'; give motifs as MEME or JASPAR text", 1)


class _Wrong(Exception):
    """What is wrong in a line, counted from 1."""

    def __init__(self, sentence: str, line: int) -> None:
        self.line = line
        super().__init__(sentence)


def _lines(path: Path) -> list[str]:
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MOST_BYTES else b""
    except OSError as error:
        raise RequestError(f"cannot read the motifs in '{path.name}': {error.strerror}") from None
    if size > MOST_BYTES:
        raise RequestError(f"'{path.name}' has {size / 1e6:.0f} MB, more than motifs take ({MOST_BYTES / 1e6:.0f} MB)")
    if b"\0" in raw:
        raise RequestError(f"'{path.name}' is no text; give motifs as MEME or JASPAR text")
    text = raw.decode("utf-8-sig", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


# MEME -------------------------------------------------------------------------------------------------------------------


def _meme(lines: Sequence[str], *, alphabet: str) -> Iterator[Known]:
    """Yield the motifs of minimal MEME (meme-suite.org, "Minimal MEME Motif Format"): names in MOTIF lines, then a row for each place."""
    named: tuple[str, str] | None = None
    told = 0
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        at += 1
        if line.startswith("ALPHABET"):
            _check_alphabet(line, alphabet, at)
        elif line.startswith("MOTIF"):
            named = _named(line[len("MOTIF") :], at)
        elif line.startswith("letter-probability matrix"):
            if named is None:
                raise _Wrong("a matrix comes before the line MOTIF that names it", at)
            rows, at = _rows(lines, at, _asked(line, at, kinds=len(LETTERS[alphabet])))
            told += 1
            _check_many(told, at)
            yield Known(*named, _frequencies(np.array(rows).T, at, counts=False))
            named = None


def _check_alphabet(line: str, alphabet: str, at: int) -> None:
    letters = line.partition("=")[2].strip().strip("'\"").upper()
    if line.startswith("ALPHABET") and "=" in line and letters != LETTERS[alphabet]:
        raise _Wrong(f"the motifs have other letters than {LETTERS[alphabet]}, those of the sequences", at)
    if "=" not in line:
        raise _Wrong("an alphabet of its own is not read; give motifs in the letters of the sequences", at)


def _named(rest: str, at: int) -> tuple[str, str]:
    words = [_CONTROL.sub("?", word) for word in rest.split(maxsplit=1)]
    if not words:
        raise _Wrong("a motif has no name", at)
    return words[0][:LONGEST_NAME], (words[1] if len(words) > 1 else "")[:LONGEST_NAME]


def _asked(line: str, at: int, *, kinds: int) -> int | None:
    """Return how many rows a matrix says it has, None where it does not."""
    told = dict(_MATRIX.findall(line))
    try:
        numbers = {key: int(told[key]) for key in ("alength", "w") if key in told}
    except ValueError:
        raise _Wrong("the matrix does not tell its size in whole numbers", at) from None
    if numbers.get("alength", kinds) != kinds:
        raise _Wrong(f"the matrix has {numbers['alength']} letters, the sequences have {kinds}", at)
    wide = numbers.get("w")
    if wide is not None and not 1 <= wide <= WIDEST:
        raise _Wrong(f"the matrix has {wide} places; 1 to {WIDEST} are read", at)
    return wide


def _rows(lines: Sequence[str], at: int, wide: int | None) -> tuple[list[list[float]], int]:
    """Return the rows of numbers from line `at` on, and where they end."""
    rows: list[list[float]] = []
    while at < len(lines) and (wide is None or len(rows) < wide) and len(rows) <= WIDEST:
        words = lines[at].split()
        if not words and not rows:
            at += 1
            continue
        if not words or not re.match(r"[-+.\d]|nan|inf", words[0], re.IGNORECASE):
            break
        rows.append(_numbers(words, at + 1))
        at += 1
        if len(rows[-1]) != len(rows[0]):
            raise _Wrong(f"{len(rows[-1])} numbers stand here, {len(rows[0])} in the first row of the matrix", at)
    if not rows or (wide is not None and len(rows) != wide) or len(rows) > WIDEST:
        raise _Wrong(f"the matrix has {len(rows)} rows" + (f", not {wide} as it says" if wide else ""), at)
    return rows, at


# JASPAR -----------------------------------------------------------------------------------------------------------------


def _jaspar(lines: Sequence[str], *, alphabet: str) -> Iterator[Known]:
    """Yield the motifs of JASPAR's text: a line '>identifier name', then one row for each of A, C, G and T, its letter first or not."""
    if alphabet == "protein":
        raise _Wrong("JASPAR text holds motifs of DNA; the sequences are proteins", 1)
    named, start, rows = ("", ""), 0, dict[str, list[float]]()
    for at, raw in enumerate([*lines, ">"], start=1):
        line = raw.strip()
        if line.startswith(">"):
            if start:
                yield _of_rows(named, rows, start, at=at - 1)
                _check_many(start, at)
            if at > len(lines):
                return
            named, start, rows = _named(line[1:], at), start + 1, {}
        elif line:
            letter, numbers = _row(line, at, turn=len(rows))
            if letter in rows or len(rows) == 4:
                raise _Wrong("a motif has more rows than its four letters", at)
            rows[letter] = numbers


def _row(line: str, at: int, *, turn: int) -> tuple[str, list[float]]:
    bare = line.replace("[", " ").replace("]", " ").split()
    letter = "ACGT"[min(turn, 3)]
    if bare and bare[0].upper().rstrip(":|") in {"A", "C", "G", "T", "U"}:
        letter = bare.pop(0).upper().rstrip(":|").replace("U", "T")
    return letter, _numbers(bare, at)


def _of_rows(named: tuple[str, str], rows: Mapping[str, list[float]], turn: int, *, at: int) -> Known:
    widths = {len(row) for row in rows.values()}
    if len(rows) != 4 or len(widths) != 1 or not 1 <= next(iter(widths)) <= WIDEST:
        raise _Wrong(f"motif {turn} of the file has no four rows of equal length, 1 to {WIDEST}", at)
    return Known(*named, _frequencies(np.array([rows[letter] for letter in "ACGT"]), at, counts=True))


# numbers ----------------------------------------------------------------------------------------------------------------


def _numbers(words: Sequence[str], at: int) -> list[float]:
    if not 1 <= len(words) <= WIDEST:
        raise _Wrong(f"{len(words)} numbers stand here; 1 to {WIDEST} are read", at)
    try:
        found = [float(word) for word in words]
    except ValueError:
        raise _Wrong("a matrix has something that is no number", at) from None
    if not all(math.isfinite(v) and 0 <= v <= 1e12 for v in found):
        raise _Wrong("a matrix has a number below zero, or one that is no count or probability", at)
    return found


def _frequencies(matrix: np.ndarray, at: int, *, counts: bool) -> np.ndarray:
    total = matrix.sum(0)
    if (total <= 0).any():
        raise _Wrong("a place of the matrix has no letter at all", at)
    if not counts and (np.abs(total - 1) > NOT_ONE).any():
        raise _Wrong("the probabilities of a place do not add up to one", at)
    return np.asarray(matrix / total)


def _check_many(count: int, at: int) -> None:
    if count > MOST_MOTIFS:
        raise _Wrong(f"there are more than {MOST_MOTIFS} motifs", at)
