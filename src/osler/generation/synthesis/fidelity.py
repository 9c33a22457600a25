"""How like real pictures the made ones are, and whether some are copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.generation.synthesis.frechet import frechet
from osler.generation.synthesis.making import drawn_classes
from osler.generation.synthesis.neighbours import closer, likeness, nearest
from osler.generation.synthesis.readers import Pictures

DRAWS = 5  # sets of each kind that are compared
MOST = 2_000  # pictures of a set
NEAR = 1  # percentile of the distances of unseen real pictures to training, below which a made one lies as near as a copy
COPIED = 0.05  # share of the made ones there, above which they are called copies: one in a hundred is to be expected
Seen = Callable[[Pictures], np.ndarray]  # pictures to vectors
Make = Callable[[np.ndarray, int], Pictures]  # classes and a seed to pictures

MADE, REAL = "synthetic", "real, training"
TO_TEST, TO_TRAINING = "to test pictures", "to training pictures"


@dataclass(frozen=True, slots=True)
class Likeness:
    """`distances` by (what, beside what): a value for each draw; `overlaps` by what: the means of its measures."""

    distances: Mapping[tuple[str, str], np.ndarray]
    overlaps: Mapping[str, Mapping[str, float]]
    cases: int

    def ratio(self) -> float:
        """Return how much farther from test pictures the made ones lie than training pictures do."""
        return float(self.distances[MADE, TO_TEST].mean() / max(self.distances[REAL, TO_TEST].mean(), 1e-12))


def measured(training: Pictures, test: Pictures, *, make: Make, seen: Seen, seed: int) -> Likeness:
    """Return how far made and real pictures lie from test and training pictures, in sets of equal size and equal classes.

    Real ones beside real ones are the yardstick: no generator can be expected to come nearer.
    """
    count = min(MOST, len(test), len(training) // 2)
    distances: dict[tuple[str, str], list[float]] = {}
    overlaps: dict[str, list[dict[str, float]]] = {MADE: [], REAL: []}
    vectors = seen(training)
    for draw in range(DRAWS):
        generator = np.random.default_rng([seed, 0xF1D, draw])
        chosen = generator.permutation(len(test))[:count]
        tested = seen(test.take(chosen))
        alike = _of_classes(training.classes, test.classes[chosen], generator)
        halves = np.array_split(generator.permutation(len(training))[: 2 * count], 2)
        other = seen(make(test.classes[chosen], draw))
        own = seen(make(training.classes[halves[0]], 1000 + draw))
        pairs = {
            (MADE, TO_TEST): (other, tested), (REAL, TO_TEST): (vectors[alike], tested),
            (MADE, TO_TRAINING): (own, vectors[halves[1]]), (REAL, TO_TRAINING): (vectors[halves[0]], vectors[halves[1]]),
        }  # fmt: skip
        for key, pair in pairs.items():
            distances.setdefault(key, []).append(frechet(*pair))
        overlaps[MADE].append(likeness(vectors[halves[1]], own))
        overlaps[REAL].append(likeness(vectors[halves[1]], vectors[halves[0]]))
    means = {what: {k: float(np.mean([one[k] for one in every])) for k in every[0]} for what, every in overlaps.items()}
    return Likeness({key: np.array(values) for key, values in distances.items()}, means, count)


def _of_classes(classes: np.ndarray, wanted: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return rows whose classes are as frequent as in `wanted`; drawn with replacement where a class has too few."""
    rows = []
    for one, count in zip(*np.unique(wanted, return_counts=True), strict=True):
        mine = np.flatnonzero(classes == one)
        mine = mine if len(mine) else np.arange(len(classes))
        rows.append(generator.choice(mine, count, replace=count > len(mine)))
    return np.concatenate(rows)


def panels(found: Likeness) -> tuple[Panel, Panel]:
    """Return both tables."""
    rows = []
    for what in (MADE, REAL):
        values = {}
        for beside, measure in ((TO_TEST, "frechet_test"), (TO_TRAINING, "frechet_training")):
            each = found.distances[what, beside]
            values[measure] = Value(float(each.mean()), note=f"{DRAWS} draws: {each.min():.3g} to {each.max():.3g}")
        rows.append(Row(what, found.cases, values))
    shares = [
        Row(what, found.cases, {f"made_{name}": Value(value) for name, value in found.overlaps[what].items()})
        for what in (MADE, REAL)
    ]
    return Panel("synthesis_frechet", tuple(rows)), Panel("synthesis_overlap", tuple(shares))


@dataclass(frozen=True, slots=True)
class Copies:
    """`near` the share of made pictures as near to a training picture as the nearest hundredth of unseen real ones, by pixels and as the
    encoder sees them; `closer` the chance that a made one lies nearer to training than an unseen real one; `partners` (m,) the training
    picture nearest to each made one by pixels, `order` (m,) the made ones from the nearest on."""

    near: Mapping[str, float]
    closer: Mapping[str, float]
    partners: np.ndarray
    order: np.ndarray

    @property
    def told(self) -> bool:
        """Whether they are called copies."""
        return max(self.near.values()) > COPIED


def copies(made: Pictures, training: Pictures, unseen: Pictures, *, seen: Seen) -> Copies:
    """Return how near to training the `made` lie, beside real pictures that training never saw."""
    near, chance = {}, {}
    partners, order = np.empty(0, np.int64), np.empty(0, np.int64)
    for how, told in (("pixels", _levelled), ("encoder", seen)):
        known = told(training)
        far, which = nearest(told(made), known)
        usual = nearest(told(unseen), known)[0]
        near[how] = float((far <= np.percentile(usual, NEAR)).mean())
        chance[how] = closer(far, usual)
        if how == "pixels":
            partners, order = which, np.argsort(far, kind="stable")
    return Copies(near, chance, partners, order)


def _levelled(pictures: Pictures) -> np.ndarray:
    """Return (n, pixels) with mean 0 and length 1 each: a copy that is only brighter is a copy."""
    flat = pictures.pixels.reshape(len(pictures), -1).astype(np.float64)
    flat = flat - flat.mean(1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9))


def copies_panel(found: Copies, *, cases: int) -> Panel:
    """Return the table of nearness."""
    rows = [
        Row(how, cases, {"near_training": Value(found.near[how]), "closer_than_real": Value(found.closer[how])})
        for how in ("pixels", "encoder")
    ]
    return Panel("synthesis_copies", tuple(rows))


def classes_like(training: Pictures, count: int, *, classes: int, seed: int) -> np.ndarray:
    """Return (count,) classes as frequent as in training; all 0 where there are none."""
    if classes == 0:
        return np.zeros(count, np.int64)
    return drawn_classes(count, shares=np.bincount(training.classes[training.classes >= 0], minlength=classes), seed=seed)
