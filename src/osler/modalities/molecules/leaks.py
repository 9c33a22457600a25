"""Molecules of the test that training knows: the same by InChIKey or without their salt, and analogues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from osler.core.columns import Columns
from osler.core.leak import Leak
from osler.core.split import Split
from osler.modalities.molecules.case import BITS, IDENTITY, SAME
from osler.modalities.molecules.keys.similarity import nearest, tanimoto, words

ACCIDENTS = 0.05  # pairs expected by chance among all that are compared
SAMPLED = 1000  # molecules of each side from which random pairs are made
FEWEST = 20  # molecules of each side under which chance cannot be told
LEAST, MOST = 0.7, 0.9  # the limit lies between: analogues are as alike as that, whatever random pairs are
MOST_PAIRS = 100_000_000  # compared at once, some ten seconds; larger studies are sampled
MOST_COMPARED = 500_000_000  # where the nearest is asked for, which a sample cannot tell; about a minute
NEARNESS = "similarity to the nearest training molecule"
NOBODY = np.empty(0, np.int64)

Severity = Literal["stop", "warn"]
_SAME: tuple[tuple[str, str, Severity, str], ...] = (
    ("inchikey", "same-molecule", "stop", "have the same InChIKey as"),
    ("parent", "same-molecule", "stop", "are, without salt and charge, the same as"),
    ("skeleton", "same-skeleton", "warn", "differ only in stereo, isotopes or a mobile hydrogen from"),
)


def leaks(columns: Columns, split: Split) -> tuple[Leak, ...]:
    """Return the same molecules on both sides of the split, those that stop a run first, then near ones. Equal canonical SMILES are
    looked for by the spine, and not told again."""
    if IDENTITY not in columns.arrays:
        return ()
    return (*_same(columns, split), *_near(columns, split))


def nearness(columns: Columns, rows: np.ndarray, *, among: np.ndarray) -> dict[str, np.ndarray]:
    """Return under NEARNESS the Tanimoto similarity (m,) of each of `rows` to the most similar of `among`, NaN of an absent one; nothing
    where pairs are too many to compare all."""
    there = among[columns.present[among]]
    if BITS not in columns.arrays or not len(there) or len(rows) * len(there) > MOST_COMPARED:
        return {}
    bits = np.asarray(columns[BITS])
    best, _ = nearest(words(bits[rows]), words(bits[there]))
    return {NEARNESS: np.where(columns.present[rows], best.astype(np.float64), np.nan)}


def _same(columns: Columns, split: Split) -> Iterator[Leak]:
    hashes = np.asarray(columns[IDENTITY])
    validation = np.concatenate([split.tune, split.calibrate])
    for side, here, there in (("test", split.test, split.development), ("validation", validation, split.training)):
        told = np.intersect1d(hashes[here, 0], hashes[there, 0])
        for name, kind, severity, how in _SAME:
            keys = hashes[:, SAME.index(name)]
            known = _shared(keys, hashes[:, 0], here=there, there=here, told=told)
            copies = _shared(keys, hashes[:, 0], here=here, there=there, told=told)
            if not len(copies):
                continue
            sentence = f"{len(copies)} {side} molecules {how} {len(known)} training molecules"
            tested = copies if side == "test" else NOBODY
            yield Leak(kind, severity if side == "test" else "warn", sentence, known, tested)
            told = np.union1d(told, hashes[np.concatenate([known, copies]), 0])


def _shared(keys: np.ndarray, own: np.ndarray, *, here: np.ndarray, there: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Return those of `here` whose key is in `there` too, without those whose own hash is `told` already."""
    fresh, asked = (rows[~np.isin(own[rows], told)] for rows in (there, here))
    return asked[np.isin(keys[asked], keys[fresh]) & (keys[asked] != 0)]


def _near(columns: Columns, split: Split) -> Iterator[Leak]:
    here, there = (rows[columns.present[rows]] for rows in (split.test, split.development))
    looked_at, among = _sampled(here, there)
    if min(len(looked_at), len(among)) < FEWEST:
        return
    bits, hashes = np.asarray(columns[BITS]), np.asarray(columns[IDENTITY])
    some, others = words(bits[looked_at]), words(bits[among])
    limit = _limit(some, others, pairs=len(looked_at) * len(among))
    best, which = nearest(some, others)
    parent = SAME.index("parent")
    near = (best >= limit) & (hashes[looked_at, parent] != hashes[among[which], parent])
    if not near.any():
        return
    sentence = (
        f"{int(near.sum())} test molecules have a near analogue among the training molecules (Tanimoto {limit:.2f} or more; random"
        " pairs of this study are hardly ever so alike): of new chemistry the test tells less"
    )
    if len(looked_at) < len(here) or len(among) < len(there):
        sentence += f"; {len(looked_at)} of {len(here)} were compared with {len(among)} of {len(there)}"
    yield Leak("near-molecule", "warn", sentence, np.unique(among[which[near]]), looked_at[near])


def _limit(some: np.ndarray, others: np.ndarray, *, pairs: int) -> float:
    """Return the similarity that ACCIDENTS of `pairs` random pairs are expected to reach: the tail of the sampled pairs is followed
    as an exponential from its 90th and 99th percentile. Further out lie the analogues themselves, which are no chance."""
    found = tanimoto(_some(some), _some(others))
    low, high = np.quantile(found, [0.9, 0.99]).astype(float).tolist()
    reach = low + (high - low) / np.log(10) * np.log(max(0.1 * pairs / ACCIDENTS, 1.0))
    return float(min(max(reach, LEAST), MOST))


def _some(part: np.ndarray) -> np.ndarray:
    return part[:: max(1, len(part) // SAMPLED)][:SAMPLED]


def _sampled(here: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return as many rows of both sides as can be compared, at random where there are more."""
    if len(here) * len(there) <= MOST_PAIRS:
        return here, there
    generator = np.random.default_rng(0xA1)
    few = min(len(here), max(MOST_PAIRS // len(there), 1000))
    many = min(len(there), MOST_PAIRS // few)
    return np.sort(generator.choice(here, few, replace=False)), np.sort(generator.choice(there, many, replace=False))
