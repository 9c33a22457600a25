"""A drawing of a sequence as a logo: each letter as tall as what it adds to the prediction (Schneider and Stephens 1990, Shrikumar 2017),
and below it what each other letter in its place would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from osler.core.columns import Columns
from osler.modalities.sequences.case import TRACK
from osler.modalities.sequences.gather import alphabet_in, ragged, track
from osler.modalities.sequences.motifs.logo import FOR, PER_LINE, SHOWN, heat_map, logo, stacked
from osler.modalities.sequences.read.alphabet import decode, profile

LINE, PLACE, LEFT = 17.0, 11.0, 34.0  # of a plain drawing: height of a line, width of a letter, and the margin for numbers
WIDE, HIGH = 640.0, 80.0  # of a drawing of values along a sequence
STEPS = 800  # of it at most: of a longer sequence each is the mean of neighbours


def picture(columns: Columns, row: int, *, layers: Mapping[str, np.ndarray]) -> str | None:
    """Return an SVG of the sequence `row`, None where it is absent.

    With the layer "attribution", as it is lifted (length, letters), each letter is as tall as what it adds: upwards what speaks for the
    prediction, downwards what speaks against it; with "changes", of the same shape, a heat map below tells what each other letter would
    change. Numbers below count letters from 1. Of a sequence longer than SHOWN the stretch that adds most is drawn.

    With the layers "marks" and "truth" (1, length), or where the columns have a target for each letter and no layer is given, lines along
    the sequence: filled what is true, with a gap where it is not known, and as a line what was predicted.
    """
    if not columns.present[row]:
        return None
    if "marks" in layers or (not layers and TRACK in columns.arrays):
        known = layers.get("truth", track(columns)[row][None] if TRACK in columns.arrays else None)
        return _along(layers.get("marks"), known)
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


def _along(predicted: np.ndarray | None, true: np.ndarray | None) -> str:
    """Return an SVG of the values (1, length) of all letters of a sequence."""
    lines = [None if one is None else np.asarray(one, np.float64)[0] for one in (predicted, true)]
    length = next(len(one) for one in lines if one is not None)
    every = -(-length // STEPS)
    coarse = [None if one is None else _coarser(one, every) for one in lines]
    shown = np.concatenate([one for one in coarse if one is not None])
    low, high = min(0.0, float(np.nanmin(shown, initial=0.0))), float(np.nanmax(shown, initial=0.0))
    scale = HIGH / ((high - low) or 1.0)
    step, zero = WIDE * every / length, 6 + scale * high
    parts = [f'<path d="M{LEFT:.0f} {zero:.1f}H{LEFT + WIDE:.0f}" stroke="currentColor" stroke-width="0.5"/>']
    if coarse[1] is not None:
        parts += [_path(run, step, zero, scale, filled=True) for run in _runs(coarse[1])]
    if coarse[0] is not None:
        parts += [_path(run, step, zero, scale, filled=False) for run in _runs(coarse[0])]
    parts += [_told(LEFT - 4, y + 4, f"{v:.3g}".replace("-", "−"), anchor="end") for y, v in ((6, high), (6 + HIGH, low))]
    places = [1, *(round(length * share) for share in (0.25, 0.5, 0.75)), length]
    parts += [_told(LEFT + WIDE * (at - 0.5) / length, HIGH + 22, str(at)) for at in dict.fromkeys(places) if at]
    box = f'viewBox="0 0 {LEFT + WIDE + 16:.0f} {HIGH + 28:.0f}" width="{LEFT + WIDE + 16:.0f}" height="{HIGH + 28:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="picture along" {box} role="img">{"".join(parts)}</svg>'


def _coarser(values: np.ndarray, every: int) -> np.ndarray:
    """Return the means of what is known of each `every` neighbours, NaN where nothing is."""
    starts = np.arange(0, len(values), every)
    known = ~np.isnan(values)
    sums, counts = (np.add.reduceat(one, starts) for one in (np.where(known, values, 0.0), known.astype(float)))
    return np.divide(sums, counts, out=np.full(len(starts), np.nan), where=counts > 0)


def _runs(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the first place and the values of each run of what is known."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (~np.isnan(values)).astype(int), [0]])))
    yield from ((int(first), values[first:last]) for first, last in edges.reshape(-1, 2))


def _path(run: tuple[int, np.ndarray], step: float, zero: float, scale: float, *, filled: bool) -> str:
    first, values = run
    across = LEFT + step * (first + np.arange(len(values) + 1))
    ups = zero - scale * values
    if filled:
        steps = "".join(f"V{up:.1f}H{end:.1f}" for up, end in zip(ups, across[1:], strict=True))
        return f'<path d="M{across[0]:.1f} {zero:.1f}{steps}V{zero:.1f}Z" fill="currentColor" fill-opacity="0.25"/>'
    middles = (across[1:] + across[:-1]) / 2
    points = "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(middles, ups, strict=True))
    return f'<path d="M{points}" fill="none" stroke="{FOR}" stroke-width="1.5"/>'


def _told(x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="10" text-anchor="{anchor}" fill="currentColor">{text}</text>'


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
