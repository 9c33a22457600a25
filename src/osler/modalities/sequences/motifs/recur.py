"""What recurs in many sequences as a report tells it: motifs that speak for an answer, and against it, each with its logo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.modalities.sequences.case import PAD
from osler.modalities.sequences.gather import alphabet_in, padded, ragged
from osler.modalities.sequences.motifs.files import read_motifs, write_meme
from osler.modalities.sequences.motifs.find import Motif, enriched, recurring
from osler.modalities.sequences.motifs.letters import LETTERS
from osler.modalities.sequences.motifs.logo import matrix_logo
from osler.modalities.sequences.motifs.match import match
from osler.modalities.sequences.read.alphabet import profile

DIGITS, LIKEST = 3, 3
LONGEST = 4_096  # letters of a sequence, its middle, where no network tells
MEME = "motifs.meme"
SIDES = {"for": 1.0, "against": -1.0}


def patterns(
    columns: Columns, rows: np.ndarray, *, attributions: Sequence[np.ndarray], scores: np.ndarray, seed: int
) -> list[dict[str, Any]]:
    """Return the motifs of the sequences `rows` by `attributions`, each (length, kinds): what JSON can hold, no more precise than three
    digits of at least ten sites in five sequences.

    Where attributions show none, those that the half with the higher `scores` (m,) has more often than the other; their contribution
    is None.
    """
    alphabet = alphabet_in(columns)
    strands, window = alphabet == "dna", max((len(one) for one in attributions), default=LONGEST)
    codes = padded(ragged(columns), rows, window=window)
    letters = np.ascontiguousarray(
        (profile(alphabet) == 1).astype(np.float32)[codes].transpose(0, 2, 1)
    )  # those that stand alone
    adds = _adds(attributions, codes)
    found = [(side, one) for side, sign in SIDES.items() for one in recurring(sign * adds, letters, strands=strands, seed=seed)]
    if not found:
        high = scores > np.median(scores)
        found = [("for", one) for one in enriched(letters, high, strands=strands, seed=seed)]
    return [_told(one, side=side, alphabet=alphabet, cases=len(rows)) for side, one in found]


def _adds(attributions: Sequence[np.ndarray], codes: np.ndarray) -> np.ndarray:
    """Return what each letter adds (n, length), NaN where there is none."""
    adds = np.zeros(codes.shape)
    for row, one in enumerate(attributions):
        adds[row, : len(one)] = one.sum(1)[: codes.shape[1]]
    adds[codes == PAD] = np.nan
    return adds


def named(found: Sequence[Mapping[str, Any]], *, file: Path | None) -> list[dict[str, Any]]:
    """Return the motifs with their logos, and each with the known ones of `file`, if there is one, that are like it; raises RequestError."""
    told = []
    for one in found:
        alphabet, matrix = str(one["alphabet"]), np.array(one["matrix"])
        drawn = {**one, "svg": matrix_logo(matrix, alphabet=alphabet, sites=one["sites"])}
        told.append(drawn if file is None else {**drawn, **_known(matrix, alphabet=alphabet, file=file)})
    return told


def write_patterns(found: Sequence[Mapping[str, Any]], *, folder: Path) -> Path | None:
    """Write the motifs as minimal MEME, those of one alphabet, the first's; return the file, None where there is none."""
    if not found:
        return None
    alphabet = str(found[0]["alphabet"])
    own = [one for one in found if one["alphabet"] == alphabet]
    motifs = {f"motif-{turn}-{one['consensus']}": (np.array(one["matrix"]), int(one["sites"])) for turn, one in enumerate(own, 1)}
    path = folder / MEME
    write_meme(motifs, path, alphabet=alphabet, strands=alphabet == "dna")
    return path


def _known(matrix: np.ndarray, *, alphabet: str, file: Path) -> dict[str, Any]:
    known = read_motifs(file, alphabet=alphabet)
    told = [
        {
            "identifier": m.known.identifier,
            "name": m.known.name,
            "pearson": round(m.likeness.pearson, DIGITS),
            "q": float(f"{m.q:.2g}"),
        }
        for m in match(matrix, known, strands=alphabet == "dna")[:LIKEST]
    ]
    return {"known": told, "of": len(known)}


def _told(motif: Motif, *, side: str, alphabet: str, cases: int) -> dict[str, Any]:
    matrix = np.round(motif.frequencies, DIGITS)
    contribution = motif.contribution
    return {
        "side": side,
        "alphabet": alphabet,
        "consensus": "".join(LETTERS[alphabet][at] for at in matrix.argmax(0)),
        "sites": len(motif.sites),
        "cases": motif.cases,
        "of_cases": cases,
        "contribution": None if contribution is None else float(f"{SIDES[side] * contribution:.3g}"),
        "matrix": matrix.tolist(),
        "svg": matrix_logo(motif.frequencies, alphabet=alphabet, sites=len(motif.sites)),
    }
