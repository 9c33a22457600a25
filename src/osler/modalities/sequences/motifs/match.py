"""How like one motif is to another: Pearson's correlation at the best alignment, with what chance would give.

Two matrices are laid on one another and the letters missing beside either are even shares, so that a short overlap earns little. As columns add
up to one, the correlation is then a plain product of what is left above even shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CHANCES, LEAST_EACH = 20_000, 20  # shuffled matrices behind a p value, and of each known one


@dataclass(frozen=True, slots=True)
class Known:
    """A motif of a file: its `identifier`, its `name` ("" where none is told), and `frequencies` (kinds, width)."""

    identifier: str
    name: str
    frequencies: np.ndarray


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like two matrices are: `pearson`, where the second starts in the first (`offset`, may be negative), and whether it had to be
    turned to the opposite strand."""

    pearson: float
    offset: int
    opposite: bool


@dataclass(frozen=True, slots=True)
class Match:
    """A known motif like the one that was found; `p` of a shuffled one as like, `q` with all known ones tried (Benjamini and Hochberg)."""

    known: Known
    likeness: Likeness
    p: float
    q: float


def likeness(first: np.ndarray, second: np.ndarray, *, strands: bool = True) -> Likeness:
    """Return how like two matrices (kinds, width) of frequencies or counts are at their best alignment, on either strand."""
    a, b = _above(first), _above(second)
    best = Likeness(-1.0, 0, opposite=False)
    for opposite in (False, True) if strands else (False,):
        found = _products(a, (b[::-1, ::-1] if opposite else b)[None])[0]
        at = int(found.argmax())
        if found[at] > best.pearson:
            best = Likeness(float(found[at]), at - b.shape[1] + 1, opposite)
    return best


def match(
    found: np.ndarray, known: Sequence[Known], *, strands: bool = True, most: float = 0.05, seed: int = 0
) -> tuple[Match, ...]:
    """Return the `known` motifs that are like `found` (kinds, width) with a q of at most `most`, the likest first.

    What chance gives: each known matrix with its columns shuffled, compared in the same way; as narrow ones get higher values by chance
    than wide ones, values are told in standard deviations of a motif's own shuffled ones, which are pooled over all.
    """
    if not known:
        return ()
    generator = np.random.default_rng([seed, 0xA7])
    times = max(LEAST_EACH, -(-CHANCES // len(known)))
    own, pool = np.empty(len(known)), []
    alike = [likeness(found, one.frequencies, strands=strands) for one in known]
    above = _above(found)
    for at, one in enumerate(known):
        by_chance = np.arctanh(np.clip(_shuffled(above, one, times=times, strands=strands, generator=generator), -1, 0.9999))
        middle, spread = by_chance.mean(), max(float(by_chance.std()), 1e-6)
        own[at] = (np.arctanh(min(alike[at].pearson, 0.9999)) - middle) / spread
        pool.append((by_chance - middle) / spread)
    chances = np.sort(np.concatenate(pool))
    p = (1 + len(chances) - np.searchsorted(chances, own, side="left")) / (1 + len(chances))
    q = _adjusted(p)
    kept = sorted(np.flatnonzero(q <= most).tolist(), key=lambda at: (-alike[at].pearson, known[at].identifier))
    return tuple(Match(known[at], alike[at], float(p[at]), float(q[at])) for at in kept)


def _above(matrix: np.ndarray) -> np.ndarray:
    """Return what is above even shares, of length one."""
    shares = np.asarray(matrix, float)
    shares = shares / np.maximum(shares.sum(0), 1e-12) - 1 / len(shares)
    return np.asarray(shares / max(float(np.linalg.norm(shares)), 1e-12))


def _products(first: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return (m, offsets) the products of `first` (kinds, w) with each of `others` (m, kinds, v) at all offsets that touch."""
    wide = others.shape[2]
    padded = np.pad(first, ((0, 0), (wide - 1, wide - 1)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, wide, axis=1)  # (kinds, offsets, v)
    return np.asarray(np.tensordot(others, seen, axes=([1, 2], [0, 2])))


def _shuffled(above: np.ndarray, one: Known, *, times: int, strands: bool, generator: np.random.Generator) -> np.ndarray:
    matrix = _above(one.frequencies)
    orders = np.argsort(generator.random((times, matrix.shape[1])), axis=1)
    many = matrix[:, orders].transpose(1, 0, 2)
    best = _products(above, many).max(1)
    return np.maximum(best, _products(above, many[:, ::-1, ::-1]).max(1)) if strands else best


def _adjusted(p: np.ndarray) -> np.ndarray:
    order = np.argsort(p)
    ranked = p[order] * len(p) / np.arange(1, len(p) + 1)
    out = np.empty(len(p))
    out[order] = np.minimum.accumulate(ranked[::-1])[::-1].clip(max=1.0)
    return out
