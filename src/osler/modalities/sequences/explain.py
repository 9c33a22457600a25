"""A drawing of a sequence as a logo: each letter as tall as what it adds to the prediction (Schneider and Stephens 1990, Shrikumar 2017)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osler.core.columns import Columns
from osler.modalities.sequences.gather import alphabet_in, ragged
from osler.modalities.sequences.read.alphabet import decode

ACROSS = 60  # letters on a line
MOST = 600  # letters that are drawn: of longer sequences the stretch that adds most
WIDE, TALL, PLAIN = (
    11.0,
    30.0,
    13.0,
)  # of a letter's place: across, upwards and downwards at most, and where nothing is drawn over it
LEFT, FOOT = 34.0, 18.0
FAINT = 0.02  # of the strongest letter; weaker ones are not drawn
CAP = 0.72  # height of a capital letter in sizes of the font
# told apart by colour-blind readers (Okabe and Ito 2008); amino acids by what their side chain is: charged, polar, the rest
_BASES = {"A": "#009e73", "C": "#0072b2", "G": "#e69f00", "T": "#d55e00", "U": "#d55e00"}
_RESIDUES = {**dict.fromkeys("DE", "#d55e00"), **dict.fromkeys("KRH", "#0072b2"), **dict.fromkeys("STNQCYW", "#009e73")}
GREY = "#767676"


def picture(columns: Columns, row: int, *, layers: Mapping[str, np.ndarray]) -> str | None:
    """Return an SVG of the sequence `row`, None where it is absent.

    With the layer "attribution", as it is lifted (length, letters), each letter is as tall as what it adds: upwards what speaks for the
    prediction, downwards and upside down what speaks against it. Numbers at the left count letters from 1; the last line tells the
    strongest, in the unit of the score.
    """
    if not columns.present[row]:
        return None
    alphabet, codes = alphabet_in(columns), ragged(columns)[row]
    text = decode(codes, alphabet).upper()
    adds = _adds(layers.get("attribution"), length=len(text))
    first = _strongest_stretch(adds, length=len(text))
    text = text[first[0] : first[1]]
    strongest = 0.0 if adds is None else float(np.abs(adds).max(initial=0.0))
    shares = None if adds is None or strongest <= 0 else adds[first[0] : first[1]] / strongest
    colours = _RESIDUES if alphabet == "protein" else _BASES
    step = PLAIN + 4 if shares is None else 2 * TALL + 8
    parts = []
    for start in range(0, len(text), ACROSS):
        line = (start // ACROSS + 0.5) * step
        parts.append(_number(first[0] + start + 1, line))
        own = None if shares is None else shares[start : start + ACROSS]
        parts += _line(text[start : start + ACROSS], line, own, colours=colours)
    high = -(-len(text) // ACROSS) * step + FOOT
    parts += [] if shares is None else [_legend(high - 5, strongest)]
    wide = LEFT + WIDE * min(ACROSS, len(text)) + 4
    box = f'viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" height="{high:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="picture sequence" {box} role="img">{"".join(parts)}</svg>'


def _adds(layer: np.ndarray | None, *, length: int) -> np.ndarray | None:
    """Return (length,) what each letter adds; letters outside the network's window add nothing."""
    if layer is None:
        return None
    found = np.asarray(layer, np.float64)
    found = found.reshape(len(found), -1).sum(axis=1)[:length]
    whole = np.zeros(length)
    start = (length - len(found)) // 2
    whole[start : start + len(found)] = found
    return whole


def _strongest_stretch(adds: np.ndarray | None, *, length: int) -> tuple[int, int]:
    if length <= MOST or adds is None:
        return 0, min(length, MOST)
    sums = np.concatenate([[0.0], np.cumsum(np.abs(adds))])
    start = int(np.argmax(sums[MOST:] - sums[:-MOST]))
    return start, start + MOST


def _line(text: str, middle: float, shares: np.ndarray | None, *, colours: Mapping[str, str]) -> list[str]:
    if shares is None:
        return [_letter(letter, at, ground=middle + PLAIN * CAP / 2, height=PLAIN * CAP, colour=colours.get(letter, GREY)) for at, letter in enumerate(text)]
    ground = f'<path d="M{LEFT} {middle:.1f}h{WIDE * len(text):.1f}" stroke="{GREY}" stroke-width=".6"/>'
    drawn = zip(text, shares.tolist(), strict=True)
    return [
        ground,
        *(
            _letter(letter, at, ground=middle, height=TALL * share, colour=colours.get(letter, GREY))
            for at, (letter, share) in enumerate(drawn)
            if abs(share) >= FAINT
        ),
    ]


def _letter(letter: str, at: int, *, ground: float, height: float, colour: str) -> str:
    """Return a letter that stands on `ground`, or hangs from it upside down where its height is negative."""
    x = LEFT + WIDE * (at + 0.5)
    place = f'transform="translate({x:.1f} {ground:.1f}) scale(1 {height / (CAP * PLAIN):.3f})"'
    look = f'font-size="{PLAIN:.0f}" font-family="monospace" font-weight="bold" text-anchor="middle" fill="{colour}"'
    return f"<text {place} {look}>{letter}</text>"


def _number(place: int, middle: float) -> str:
    return f'<text x="{LEFT - 5:.0f}" y="{middle + 3:.1f}" font-size="10" text-anchor="end" fill="currentColor">{place}</text>'


def _legend(y: float, strongest: float) -> str:
    told = f"± {strongest:.2g}"
    return f'<text x="{LEFT:.0f}" y="{y:.1f}" font-size="11" fill="currentColor">{told}</text>'
