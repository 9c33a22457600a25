"""What is measured of the training sequences: aggregates, no choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.core.target import Target
from osler.modalities.sequences.case import BARE, IDENTITY
from osler.modalities.sequences.drift import drift_facts
from osler.modalities.sequences.encode.words import base_of
from osler.modalities.sequences.facts.asymmetry import place_bias, strand_bias, track_bias
from osler.modalities.sequences.gather import alphabet_in, ragged, track
from osler.modalities.sequences.read.alphabet import BASES, MASK, letters_of

LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
MOST = 20_000  # sequences that are looked at
LETTERS = 20_000_000  # of them
CLASSES = 10  # of the first outcome, more of which are not looked at one by one
FEWEST = 50  # sequences of a class


def facts(columns: Columns, rows: np.ndarray, *, target: Target | None = None) -> Mapping[str, Any]:
    """Return what JSON can hold: `cases`; quantiles of `lengths`; `composition` by letter, `unknown` (share of letters that stand for
    several) and `masked` (of lower-case ones); of nucleotides the `gc` share, also `gc_by_class`; how many `different` and `repeated`
    sequences; `strand` and `places` (see `strand_bias`, `place_bias`), the strongest of all sequences and of single classes;
    `track_strand` (see `track_bias`; 0 of what has one strand) where the target has a value for each letter; `drift`.
    """
    there = rows[columns.present[rows]]
    some = _sampled(np.diff(ragged(columns).offsets), there)
    alphabet, letters = alphabet_in(columns), ragged(columns).take(some)
    tracked = bool(columns.names("target"))
    classes = _classes(None if tracked else target, some)
    parts = [letters, *(letters.take(own) for own in classes.values())]
    single = alphabet == "protein"
    return {
        "cases": len(rows),
        "lengths": _quantiles(np.diff(ragged(columns).offsets)[there]),
        **_composition(letters, alphabet=alphabet),
        "gc_by_class": {} if single else {name: gc_share(letters.take(own)) for name, own in classes.items()},
        **_same(columns, there),
        "strand": 0.0 if single else max(map(strand_bias, parts)),
        "places": max((place_bias(part, base=base_of(alphabet)) for part in parts), default=0.0),
        **({"track_strand": _turned(letters, track(columns).take(some), alphabet=alphabet)} if tracked else {}),
        "drift": drift_facts(letters, alphabet=alphabet, cases=len(there)),
    }


def _turned(letters: Ragged, values: Ragged, *, alphabet: str) -> float:
    return track_bias(letters, values) if alphabet == "dna" else 0.0


def _sampled(lengths: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return at most MOST of `rows`, and about LETTERS letters, evenly spread."""
    most = min(MOST, max(1, int(LETTERS / max(1.0, float(lengths[rows].mean()) if len(rows) else 1.0))))
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def gc_share(letters: Ragged) -> float:
    """Return the share of G and C among known bases."""
    bare = letters.values & BARE
    known = int((bare < BASES).sum())
    return round(float(((bare == 1) | (bare == 2)).sum() / max(known, 1)), 4)


def _quantiles(lengths: np.ndarray) -> list[float]:
    return [float(v) for v in np.quantile(lengths, LEVELS)] if len(lengths) else [0.0] * len(LEVELS)


def _composition(letters: Ragged, *, alphabet: str) -> dict[str, Any]:
    base = base_of(alphabet)
    bare, total = letters.values & BARE, max(len(letters.values), 1)
    counts = np.bincount(bare[bare < base], minlength=base)
    shares = {letter: round(float(n / total), 4) for letter, n in zip(letters_of(alphabet), counts.tolist(), strict=False)}
    masked = round(float((letters.values & MASK > 0).sum() / total), 4)
    told = {"composition": shares, "unknown": round(1 - float(counts.sum()) / total, 4), "masked": masked}
    return told if alphabet == "protein" else {**told, "gc": gc_share(letters)}


def _same(columns: Columns, rows: np.ndarray) -> dict[str, int]:
    """Return how many different sequences there are, either strand counting as the same, and how many of them occur again."""
    if IDENTITY not in columns.arrays:
        return {}
    hashes = np.asarray(columns[IDENTITY])[rows, 0]
    _, counts = np.unique(hashes, return_counts=True)
    return {"different": len(counts), "repeated": int((counts > 1).sum())}


def _classes(target: Target | None, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return by number of the class of the first outcome where its sequences lie among `rows`."""
    if target is None or not target.values.shape[1]:
        return {}
    values = np.where(target.observed[rows, 0], target.values[rows, 0], np.nan)
    kinds, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if not 1 < len(kinds) <= CLASSES:
        return {}
    return {f"{kind:g}": np.flatnonzero(values == kind) for kind, n in zip(kinds, counts, strict=True) if n >= FEWEST}
