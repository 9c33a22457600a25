"""Logos and heat maps of sequences as SVG: letters up and down by what they add, columns of matrices in bits (Schneider and Stephens 1990)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osler.modalities.sequences.motifs.letters import LETTERS, glyph

WIDE, HIGH = 11.0, 64.0  # of a place and of a line of letters, in the drawing's own units
EDGE, GAP, RULER = 34.0, 10.0, 13.0  # left of a line, between lines, and for its numbers
PER_LINE = 80  # places of a line
SHOWN = 480  # places of a drawing: of a longer sequence the stretch that adds most
SMALLEST = 0.4  # a letter lower than this is not seen
CELL = 7.0  # height of a cell of a heat map
FOR, AGAINST = "#d55e00", "#0072b2"  # told apart by colour-blind readers (Okabe and Ito 2008)
_SPECK = 0.02  # share of the strongest below which a cell is left white


def logo(heights: np.ndarray, *, alphabet: str, first: int = 1, unit: float | None = None) -> str:
    """Return an SVG of `heights` (letters, length): each letter as high as its value, positive ones up, negative ones down, in each
    place the largest outermost.

    `alphabet` is "dna", "rna" or "protein", `first` the number of the first place. `unit` is the value at a line's full height, by default
    the highest stack. Of more places than `SHOWN` the stretch with the largest sum of absolute values is drawn.
    """
    values = np.nan_to_num(np.asarray(heights, float))
    start, end = stretch(values)
    values, first = values[:, start:end], first + start
    up, down = np.maximum(values, 0).sum(0).max(initial=0), -np.minimum(values, 0).sum(0).min(initial=0)
    scale = HIGH / (max(up, unit or 0.0) + down or 1.0)
    return _lines(values, alphabet=alphabet, first=first, scale=scale, above=scale * max(up, unit or 0.0))


def matrix_logo(frequencies: np.ndarray, *, alphabet: str, sites: float | None = None) -> str:
    """Return an SVG of a matrix (letters, width) in bits, on the scale of all that its letters could tell."""
    return logo(bits(frequencies, sites=sites), alphabet=alphabet, unit=float(np.log2(len(frequencies))))


def bits(frequencies: np.ndarray, *, sites: float | None = None) -> np.ndarray:
    """Return (letters, width): what each place of a matrix tells in bits, shared among its letters by their frequency.

    Of a matrix from so many `sites` the bias of a small sample is taken off (Schneider 1986).
    """
    shares = np.asarray(frequencies, float)
    shares = shares / np.maximum(shares.sum(0), 1e-12)
    entropy = -(shares * np.log2(np.maximum(shares, 1e-12))).sum(0)
    small = 0.0 if sites is None else (len(shares) - 1) / (2 * np.log(2) * max(sites, 1.0))
    return np.asarray(shares * np.maximum(0.0, np.log2(len(shares)) - entropy - small))


def heat_map(changes: np.ndarray, present: np.ndarray, *, alphabet: str, first: int = 1) -> str:
    """Return an SVG of `changes` (letters, length): orange where the letter in that place would speak for, blue where against, the
    stronger the more opaque; the letter that stands there, the code `present` (length,), has a dot. The legend tells the strongest."""
    values = np.nan_to_num(np.asarray(changes, float))
    start, end = stretch(values)
    values, codes, first = values[:, start:end], np.asarray(present)[start:end], first + start
    strongest = float(np.abs(values).max(initial=0.0))
    kinds, high = len(values), CELL * len(values)
    parts = []
    for line, at in enumerate(range(0, values.shape[1], PER_LINE)):
        top = line * (high + RULER + GAP)
        names = [_text(EDGE - 8, top + CELL * (row + 0.8), LETTERS[alphabet][row], size=CELL) for row in range(kinds)]
        cells = _cells(values[:, at : at + PER_LINE] / (strongest or 1.0), top=top)
        dots = _dots(codes[at : at + PER_LINE], kinds=kinds, top=top)
        count = min(PER_LINE, values.shape[1] - at)
        parts += [*names, _frame(top, count, high), *cells, *dots, *_ruler(top + high, first + at, count)]
    bottom = -(-values.shape[1] // PER_LINE) * (high + RULER + GAP)
    return _svg([*parts, *_legend(bottom, strongest)], values.shape[1], bottom + (26 if strongest else 0), kind="heat")


def stretch(values: np.ndarray, *, most: int = SHOWN) -> tuple[int, int]:
    """Return where to cut `values` (letters, length): the `most` places with the largest sum of absolute values."""
    length = values.shape[1]
    if length <= most:
        return 0, length
    sums = np.concatenate([[0.0], np.cumsum(np.abs(values).sum(0))])
    held = sums[most:] - sums[:-most]
    best = np.flatnonzero(held >= held.max() * (1 - 1e-9))
    start = int(best[len(best) // 2])  # of equal ones that in whose middle it lies
    return start, start + most


def stacked(*pictures: str) -> str:
    """Return one SVG of several of `logo` or `heat_map`, one below the other."""
    sizes = [_size(one) for one in pictures]
    wide, high, top = max(w for w, _ in sizes), sum(h for _, h in sizes), 0.0
    parts = []
    for one, (_, own) in zip(pictures, sizes, strict=True):
        inside = one[one.index(">") + 1 : -len("</svg>")]
        parts.append(f'<g transform="translate(0 {top:.1f})">{inside}</g>')
        top += own
    return _whole("".join(parts), wide, high, kind="sequence")


def _lines(values: np.ndarray, *, alphabet: str, first: int, scale: float, above: float) -> str:
    parts: list[str] = []
    length, step = values.shape[1], HIGH + RULER + GAP
    for line, at in enumerate(range(0, length, PER_LINE)):
        zero = line * step + above
        shown = values[:, at : at + PER_LINE]
        for place in range(shown.shape[1]):
            parts += _stack(shown[:, place] * scale, alphabet=alphabet, left=EDGE + place * WIDE, zero=zero)
        right = EDGE + shown.shape[1] * WIDE
        parts.append(f'<path d="M{EDGE} {zero:.1f}H{right:.1f}" stroke="currentColor" stroke-width="0.5"/>')
        parts += _axis(line * step, zero=zero, scale=scale)
        parts += _ruler(line * step + HIGH, first + at, shown.shape[1])
    return _svg(parts, length, max(1, -(-length // PER_LINE)) * step, kind="logo")


def _stack(highs: np.ndarray, *, alphabet: str, left: float, zero: float) -> list[str]:
    """Return the letters of one place, from the line at `zero` outward, the smallest first."""
    parts, up, down = [], zero, zero
    for kind in np.argsort(np.abs(highs), kind="stable").tolist():
        high = abs(float(highs[kind]))
        if high < SMALLEST:
            continue
        top = up - high if highs[kind] > 0 else down
        up, down = (top, down) if highs[kind] > 0 else (up, down + high)
        letter = LETTERS[alphabet][kind]
        parts.append(glyph(letter, alphabet=alphabet, left=left + 0.4, top=top, wide=WIDE - 0.8, high=high))
    return parts


def _axis(top: float, *, zero: float, scale: float) -> list[str]:
    """Return the values at the ends of a line, and a line between them."""
    ends = [(top, (zero - top) / scale), (top + HIGH, (zero - top - HIGH) / scale)]
    told = [_text(EDGE - 5, y + (7 if y < zero else 0), _number(v), anchor="end") for y, v in ends if abs(y - zero) > 8]
    return [f'<path d="M{EDGE - 2} {top:.1f}V{top + HIGH:.1f}" stroke="currentColor" stroke-width="0.5"/>', *told]


def _ruler(top: float, first: int, count: int) -> list[str]:
    """Return numbers of places below a line: its first, and every tenth; of a short one each fifth."""
    step = 10 if count > 30 else 5
    places = [at for at in range(count) if at == 0 or ((first + at) % step == 0 and at > 2)]
    return [_text(EDGE + (at + 0.5) * WIDE, top + 10, str(first + at)) for at in places]


def _cells(shares: np.ndarray, *, top: float) -> list[str]:
    parts = []
    for row, place in zip(*np.nonzero(np.abs(shares) >= _SPECK), strict=True):
        share = float(shares[row, place])
        box = f'x="{EDGE + place * WIDE:.1f}" y="{top + row * CELL:.1f}" width="{WIDE}" height="{CELL}"'
        parts.append(f'<rect {box} fill="{FOR if share > 0 else AGAINST}" fill-opacity="{abs(share):.2f}"/>')
    return parts


def _dots(codes: Sequence[int] | np.ndarray, *, kinds: int, top: float) -> list[str]:
    places = [(place, int(code)) for place, code in enumerate(codes) if 0 <= code < kinds]
    return [
        f'<circle cx="{EDGE + (place + 0.5) * WIDE:.1f}" cy="{top + (code + 0.5) * CELL:.1f}" r="1.2" fill="currentColor"/>'
        for place, code in places
    ]


def _frame(top: float, count: int, high: float) -> str:
    box = f'x="{EDGE}" y="{top:.1f}" width="{count * WIDE:.1f}" height="{high:.1f}"'
    return f'<rect {box} fill="none" stroke="currentColor" stroke-width="0.4"/>'


def _legend(top: float, strongest: float) -> list[str]:
    if not strongest:
        return []
    parts = []
    for turn, share in enumerate((-1.0, -0.5, 0.5, 1.0)):
        x = EDGE + turn * 52
        look = f'fill="{FOR if share > 0 else AGAINST}" fill-opacity="{abs(share):.2f}"'
        parts.append(f'<rect x="{x:.1f}" y="{top:.1f}" width="{WIDE}" height="{CELL}" {look}/>')
        parts.append(_text(x + WIDE + 3, top + CELL, _number(share * strongest, sign=True), anchor="start"))
    return parts


def _number(value: float, *, sign: bool = False) -> str:
    return f"{value:{'+' if sign else ''}.2g}".replace("-", "−")


def _text(x: float, y: float, told: str, *, anchor: str = "middle", size: float = 8.0) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" fill="currentColor">{told}</text>'


def _svg(parts: Sequence[str], length: int, high: float, *, kind: str) -> str:
    wide = EDGE + max(min(length, PER_LINE), 22 if kind == "heat" else 1) * WIDE + 8
    return _whole("".join(parts), wide, high, kind=kind)


def _whole(inside: str, wide: float, high: float, *, kind: str) -> str:
    box = f'viewBox="0 -2 {wide:.0f} {high + 2:.0f}" width="{wide:.0f}" height="{high + 2:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="picture {kind}" {box} role="img">{inside}</svg>'


def _size(picture: str) -> tuple[float, float]:
    """Return how wide and high a drawing of this module is."""
    wide, high = (picture.split(f' {name}="', 1)[1].split('"', 1)[0] for name in ("width", "height"))
    return float(wide), float(high)
