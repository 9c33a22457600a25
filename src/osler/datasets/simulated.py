"""Simulated sequences with a known answer: whether a study finds the motif again that was put into them.

Nothing here was measured of anybody. The motif is that of CTCF, JASPAR MA0139.1 (Castro-Mondragon and others, JASPAR 2022, Nucleic Acids Res.
50:D165; https://jaspar.elixir.no/matrix/MA0139.1): counts of letters at its 19 places, which add up to 910 to 913 sites.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from random import Random

from osler.datasets.registry import Converted, Entry

NAME, SITES = "simulated-motif", "simulated-sites"
CTCF = {
    "A": (87, 167, 281, 56, 8, 744, 40, 107, 851, 5, 333, 54, 12, 56, 104, 372, 82, 117, 402),
    "C": (291, 145, 49, 800, 903, 13, 528, 433, 11, 0, 3, 12, 0, 8, 733, 13, 482, 322, 181),
    "G": (76, 414, 449, 21, 0, 65, 334, 48, 32, 903, 566, 504, 890, 775, 5, 507, 307, 73, 266),
    "T": (459, 187, 134, 36, 2, 91, 11, 324, 18, 3, 9, 341, 8, 71, 67, 17, 37, 396, 59),
}
SEQUENCES, LENGTH, SEED = 3_000, 101, 8
_OPPOSITE = str.maketrans("ACGT", "TGCA")


def motif(_files: Mapping[str, Path]) -> Converted:
    """Return 3,000 sequences of 101 letters, every other one with a site of CTCF at a random place on a random strand.

    The others have a site whose columns were shuffled, anew for each: the same letters, so that composition tells nothing, and no motif.
    """
    rows = ((number, sequence, "no" if site is None else "yes") for number, sequence, site in _rows())
    return Converted(("number", "sequence", "site"), rows, STUDY)


def sites(_files: Mapping[str, Path]) -> Converted:
    """Return the same sequences with a digit for each letter: 1 where it belongs to the site of CTCF, 0 elsewhere, in shuffled sites too."""
    return Converted(("number", "sequence", "site"), map(_marked, _rows()), {**STUDY, "task": "tracks"})


STUDY: Mapping[str, object] = {
    "task": "classification",
    "target": "site",
    "inputs": {"sequence": {"modality": "sequences", "columns": ["sequence"]}},
}


def _marked(row: tuple[str, str, slice | None]) -> tuple[str, ...]:
    number, sequence, site = row
    digits = ["0"] * len(sequence)
    if site is not None:
        digits[site] = "1" * (site.stop - site.start)
    return number, sequence, "".join(digits)


def _rows() -> Iterator[tuple[str, str, slice | None]]:
    """Yield number, letters, and where the site is, if there is one that was not shuffled."""
    draw = Random(SEED)  # noqa: S311 - a simulation that is the same on every machine, no secret
    columns = list(zip(*(CTCF[letter] for letter in "ACGT"), strict=True))
    for number in range(SEQUENCES):
        has = number % 2 == 0
        # only `random()` promises the same numbers in every version of Python
        order = columns if has else [columns[at] for at in sorted(range(len(columns)), key=lambda _: draw.random())]
        site = "".join(_letter(counts, draw) for counts in order)
        site = site if draw.random() < 0.5 else site.translate(_OPPOSITE)[::-1]
        ground = [_letter((1, 1, 1, 1), draw) for _ in range(LENGTH)]
        at = int(draw.random() * (LENGTH - len(site) + 1))
        ground[at : at + len(site)] = site
        yield str(number + 1), "".join(ground), slice(at, at + len(site)) if has else None


def _letter(counts: Sequence[int], draw: Random) -> str:
    sums = list(accumulate(counts))
    return "ACGT"[bisect(sums, draw.random() * sums[-1])]


LICENCE = "sequences made by Osler, Apache-2.0; the motif's counts JASPAR's, free for any use as its help page states it"
MATRIX = "https://jaspar.elixir.no/matrix/MA0139.1"

ENTRIES = (
    Entry(
        name=NAME,
        title="Simulated, nobody's data: random DNA with a CTCF site (JASPAR MA0139.1) in every other sequence",
        licence=LICENCE,
        home=MATRIX,
        convert="osler.datasets.simulated:motif",
        rows=SEQUENCES,
        table_sha256="c560a986ddf68e88263b7d145d2e0de29537757ec54f7519ebff11df065070cf",
        made=True,
    ),
    Entry(
        name=SITES,
        title="Simulated, nobody's data: where in random DNA a CTCF site (JASPAR MA0139.1) lies, letter by letter",
        licence=LICENCE,
        home=MATRIX,
        convert="osler.datasets.simulated:sites",
        rows=SEQUENCES,
        table_sha256="4a3312e1f71d70e98f29422d53e9ea68ba9a9176a9c1d057ede1fe64104a4a94",
        made=True,
    ),
)
