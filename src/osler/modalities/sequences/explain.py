"""A drawing of a sequence as a logo: each letter as tall as what it adds to the prediction (Schneider and Stephens 1990, Shrikumar 2017),
and below it what each other letter in its place would change."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osler.core.columns import Columns
from osler.modalities.sequences.gather import alphabet_in, ragged
from osler.modalities.sequences.motifs.logo import PER_LINE, SHOWN, heat_map, logo, stacked
from osler.modalities.sequences.read.alphabet import decode, profile

LINE, PLACE, LEFT = 17.0, 11.0, 34.0  # of a plain drawing: height of a line, width of a letter, and the margin for numbers


def picture(columns: Columns, row: int, *, layers: Mapping[str, np.ndarray]) -> str | None:
    """Return an SVG of the sequence `row`, None where it is absent.

    With the layer "attribution", as it is lifted (length, letters), each letter is as tall as what it adds: upwards what speaks for the
    prediction, downwards what speaks against it; with "changes", of the same shape, a heat map below tells what each other letter would
    change. Numbers below count letters from 1. Of a sequence longer than SHOWN the stretch that adds most is drawn.
    """
    if not columns.present[row]:
        return None
    alphabet, codes = alphabet_in(columns), ragged(columns)[row]
    if "attribution" not in layers:
        return _plain(decode(codes[:SHOWN], alphabet).upper())
    adds = _adds(layers["attribution"], length=len(codes))
    own = profile(alphabet)[codes].T
    drawn = [logo(adds * own, alphabet=alphabet)]
    if "changes" in layers:
        found = np.asarray(layers["changes"], np.float64)
        start = (len(codes) - len(found)) // 2
        asked = np.flatnonzero(np.isfinite(found).all(1))
        if len(asked):
            cut = slice(start + int(asked[0]), start + int(asked[-1]) + 1)
            drawn.append(heat_map(found[asked].T, _standing(codes[cut], alphabet), alphabet=alphabet, first=cut.start + 1))
    return stacked(*drawn)


def _standing(codes: np.ndarray, alphabet: str) -> np.ndarray:
    """Return which of the alphabet's letters stands in each place, -1 where it is one for several."""
    shares = profile(alphabet)[codes]
    return np.where(shares.max(1) == 1, shares.argmax(1), -1)


def _adds(layer: np.ndarray, *, length: int) -> np.ndarray:
    """Return (length,) what each letter adds; letters outside the network's window add nothing."""
    found = np.asarray(layer, np.float64)
    found = found.reshape(len(found), -1).sum(axis=1)[:length]
    whole = np.zeros(length)
    start = (length - len(found)) // 2
    whole[start : start + len(found)] = found
    return whole


def _plain(text: str) -> str:
    parts = []
    for line, start in enumerate(range(0, len(text), PER_LINE)):
        y = line * LINE + 13
        parts.append(
            f'<text x="{LEFT - 5:.0f}" y="{y:.1f}" font-size="10" text-anchor="end" fill="currentColor">{start + 1}</text>'
        )
        for at, letter in enumerate(text[start : start + PER_LINE]):
            look = 'font-size="13" font-family="monospace" text-anchor="middle" fill="currentColor"'
            parts.append(f'<text x="{LEFT + PLACE * (at + 0.5):.1f}" y="{y:.1f}" {look}>{letter}</text>')
    wide, high = LEFT + PLACE * min(PER_LINE, len(text)) + 4, -(-len(text) // PER_LINE) * LINE + 5
    box = f'viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" height="{high:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="picture sequence" {box} role="img">{"".join(parts)}</svg>'
