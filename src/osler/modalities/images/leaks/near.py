"""Pictures that are nearly the same on both sides: scaled, stored again, brighter, turned or mirrored.

Two pictures are near copies where they are more alike than any two pictures of this study are by chance, as vectors and by a
perceptual hash. What chance gives
is taken from random pairs: the tail of their distances is a straight line on logarithmic scales, whose slope is the number of
dimensions in which the pictures lie (Levina and Bickel 2004); it is followed to where ACCIDENTS pairs are expected among all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from osler.core.columns import Columns
from osler.core.leak import Leak
from osler.core.split import Split
from osler.modalities.images.case import THUMBNAIL
from osler.modalities.images.encode.canvas import resized
from osler.modalities.images.encode.descriptors import perceptual_hash

SIDE = 16  # of the thumbnails that are compared
TURNS = 8  # four quarters, and their mirror images
ACCIDENTS = 0.05  # pairs expected by chance among all that are compared
SAMPLED = 450  # pictures of each side from which random pairs are made
FEWEST = 20  # pictures of each side under which chance cannot be told
MOST_PAIRS = 150_000_000  # compared at once 256 numbers each: some seconds; larger studies are sampled
WIDER = 4.0  # times the distance of vectors that is allowed where the hashes agree too
_BLOCK = 256
NOBODY = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Sketches:
    """n pictures as they are compared: `vectors` (n, SIDE²) of length one, zero where a picture is flat; `hashes` (n,)."""

    vectors: np.ndarray
    hashes: np.ndarray

    @classmethod
    def of(cls, thumbnails: np.ndarray) -> Sketches:
        """Return the sketches of thumbnails (n, i, j)."""
        small = resized(thumbnails, (SIDE, SIDE)).reshape(len(thumbnails), -1)
        away = small - small.mean(1, keepdims=True)
        length = np.linalg.norm(away, axis=1, keepdims=True)
        vectors = np.where(length > SIDE, away / np.maximum(length, 1e-6), 0.0)
        return cls(vectors.astype(np.float32), perceptual_hash(thumbnails))


def near_copies(columns: Columns, split: Split) -> Iterator[Leak]:
    """Yield a warning for test cases that have a near copy in development, and one for validation cases in training."""
    validation = np.concatenate([split.tune, split.calibrate])
    for name, first, second in (("test", split.test, split.development), ("validation", validation, split.training)):
        here, there = (rows[columns.present[rows]] for rows in (first, second))
        looked_at, among = _sampled(here, there)
        copies, rows = _near(columns, looked_at, among)
        if not len(copies):
            continue
        sentence = (
            f"{len(copies)} {name} pictures are nearly the same as {len(rows)} training pictures (scaled, stored again, turned,"
            " mirrored or brighter)"
        )
        if len(looked_at) < len(here) or len(among) < len(there):
            sentence += f"; {len(looked_at)} of {len(here)} were compared with {len(among)} of {len(there)}"
        yield Leak("near-copy", "warn", sentence, rows, copies if name == "test" else NOBODY)


def _sampled(here: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return as many rows of both sides as can be compared, at random where there are more."""
    most = MOST_PAIRS // TURNS
    if len(here) * len(there) <= most:
        return here, there
    generator = np.random.default_rng(0xA1)
    few = max(most // max(len(there), 1), min(len(here), int(most**0.5) // 4))
    kept = (min(len(here), few), min(len(there), most // max(1, min(len(here), few))))
    sides = zip((here, there), kept, strict=True)
    return tuple(np.sort(generator.choice(rows, count, replace=False)) for rows, count in sides)  # type: ignore[return-value]


def _near(columns: Columns, here: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of `here` that have a near copy in `there`, and those copies, both ascending."""
    if min(len(here), len(there)) < FEWEST:
        return NOBODY, NOBODY
    known = Sketches.of(np.asarray(columns[THUMBNAIL])[there])
    limits = _limits(Sketches.of(np.asarray(columns[THUMBNAIL])[_some(here)]), known, pairs=TURNS * len(here) * len(there))
    found: list[np.ndarray] = []
    for start in range(0, len(here), _BLOCK):
        part = here[start : start + _BLOCK]
        thumbnails = np.asarray(columns[THUMBNAIL])[part]
        for turn in range(TURNS):
            turned = np.rot90(thumbnails, turn % 4, (1, 2))
            sketches = Sketches.of(np.ascontiguousarray(turned[:, :, ::-1] if turn >= TURNS // 2 else turned))
            at, whose = np.nonzero(_alike(sketches, known, limits))
            found.append(np.stack([part[at], there[whose]], axis=1))
    pairs = np.concatenate(found)
    prints = columns.fingerprints
    pairs = pairs[(prints[pairs[:, 0]] != prints[pairs[:, 1]]).any(axis=1)]
    return np.unique(pairs[:, 0]), np.unique(pairs[:, 1])


def _some(rows: np.ndarray) -> np.ndarray:
    return rows[:: max(1, len(rows) // SAMPLED)][:SAMPLED]


def _alike(some: Sketches, known: Sketches, limits: tuple[float, float]) -> np.ndarray:
    like = some.vectors @ known.vectors.T
    # each sees what the other does not: brightness moves the hash less, fine detail the vectors
    both = (_apart(some, known) <= limits[1]) & (like >= 1 - WIDER * limits[0])
    return np.asarray((limits[0] > 0) & ((like >= 1 - limits[0]) | both))


def _apart(some: Sketches, known: Sketches) -> np.ndarray:
    return np.bitwise_count(some.hashes[:, None].view(np.uint64) ^ known.hashes.view(np.uint64))


def _limits(some: Sketches, known: Sketches, *, pairs: int) -> tuple[float, float]:
    """Return the distances of vectors (1 - cosine) and of hashes (bits) up to which two pictures are no accident."""
    others = Sketches(known.vectors[_some(np.arange(len(known.hashes)))], known.hashes[_some(np.arange(len(known.hashes)))])
    # each picture may have one copy on the other side: the tail is measured where those are few among the pairs
    low = max(1e-3, 5 / len(known.hashes))
    apart = 1 - (some.vectors @ others.vectors.T).astype(np.float64).ravel()
    bits = _apart(some, others).astype(np.float64).ravel()
    return _limit(apart, low=low, pairs=pairs), np.floor(_limit(bits + 0.5, low=low, pairs=pairs) - 0.5)


def _limit(distances: np.ndarray, *, low: float, pairs: int) -> float:
    """Return the distance under which ACCIDENTS of `pairs` pairs are expected; below zero where it cannot be told."""
    high = min(0.5, 10 * low)
    near, far = np.quantile(distances, [low, high])
    if not 1e-6 < near < far:
        return -1.0
    slope = np.log(high / low) / np.log(far / near)
    return float(near * (ACCIDENTS / pairs / low) ** (1 / slope))
