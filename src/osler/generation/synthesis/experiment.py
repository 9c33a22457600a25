"""Does it help? Readers trained with and without what was made, on the same real test cases.

At each size some real training cases are taken; the generator of that size sees these alone. Readers see as many pictures in all arms,
from the same first weights.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from osler.contract import Made
from osler.core.scores import Value
from osler.generation.embedding.rated import ranked
from osler.generation.synthesis.making import drawn_classes, made_pictures
from osler.generation.synthesis.objective import SynthesisObjective
from osler.generation.synthesis.readers import Learning, Pictures, mixture
from osler.spine.evaluate.statistic import Found, Statistic, found
from osler.spine.fit import Clock, Run, draw, fit

REAL, MOVED, MADE, BOTH, ALL = (
    "real", "real, moved", "synthetic", "real and synthetic", "real, moved, and synthetic",
)  # fmt: skip
ARMS = (REAL, MOVED, MADE, BOTH, ALL)
COMPARED = ((BOTH, MOVED), (ALL, MOVED), (BOTH, REAL), (MADE, REAL))
MOST_MADE = 8_000  # pictures that an arm is given
LEAST_MADE = 2_000
SHARE = 0.7  # of a size's time, for its generator


@dataclass(frozen=True, slots=True)
class Size:
    """What was found with `cases` real training cases: the arms' AUROC and paired differences, and the arms' chances (n, classes)."""

    cases: int
    arms: Mapping[str, Value]
    differences: Mapping[tuple[str, str], Value]
    seconds: float


def subset(real: Pictures, count: int, *, seed: int) -> Pictures:
    """Return `count` of the pictures, of each class as large a share as there is and one at least."""
    generator = np.random.default_rng([seed, 0x5E7, count])
    rows = []
    for one in np.unique(real.classes):
        mine = np.flatnonzero(real.classes == one)
        rows.append(generator.permutation(mine)[: max(1, round(count * len(mine) / len(real)))])
    return real.take(np.sort(np.concatenate(rows)))


def trained_generator(made: Made, real: Pictures, *, learning: Learning, folder: Path, seconds: float) -> SynthesisObjective:
    """Return a generator that saw `real` alone, trained like the study's own, at most for so many `seconds`; its best state is chosen on
    `real` too."""
    assert isinstance(made.objective, SynthesisObjective)
    torch.manual_seed(draw(made.seed, 0x6A4, len(real)))
    objective = SynthesisObjective(made.objective.shape, plan=made.plan)
    objective.module.to(made.source.device)
    rounds = max(1, -(-int(made.plan["fit.epoch_cases"]) // len(real)))
    plan = {**made.plan, "fit.rounds": rounds, "synthesis.augment": augment_share(len(real), made.plan["synthesis.augment"])}
    run = Run(plan, made.seed, 1, folder, Clock(2 * seconds, allowance=seconds))
    rows = np.arange(len(real))
    fit(objective, lambda chosen, _: learning.batch(real.take(chosen)), rows=rows, tune=lambda: [learning.batch(real)], run=run)
    return objective


def augment_share(cases: int, given: float) -> float:
    """Return how many pictures are augmented before the discriminator sees them: a generator of fewer cases needs it sooner."""
    from osler.generation.synthesis.rules import augmented_share

    return max(given, augmented_share(cases))


def compared(
    made: Made, real: Pictures, test: Pictures, *, generator: SynthesisObjective, learning: Learning, name: str, groups: np.ndarray | None
) -> Size:  # fmt: skip
    """Return what the arms give with the training cases `real` and what `generator` makes."""
    began = time.monotonic()
    count = int(min(MOST_MADE, max(LEAST_MADE, len(real))))
    shares = np.bincount(real.classes, minlength=learning.classes)
    classes = drawn_classes(count, shares=shares, seed=draw(made.seed, 1))
    synthetic = made_pictures(generator, classes, seed=draw(made.seed, 2), dtype=np.dtype(made.info["dtype"]))
    chances = {}
    for arm in ARMS:
        if arm == MADE:
            pictures, rows = synthetic, np.arange(len(synthetic))
        else:
            pictures, rows = mixture(real, synthetic if arm in (BOTH, ALL) else None)
        reader = learning.reader(pictures, rows, name=f"{name}-{ARMS.index(arm)}", moved=arm in (MOVED, ALL))
        chances[arm] = learning.read(reader, test)[1]
        made.watch.say(f"{len(real)} real cases, {arm}: read")
    told = rated(chances, test.classes, groups=groups, seed=made.seed)
    differences = {pair: told.difference(*pair) for pair in COMPARED}
    return Size(len(real), told.values, differences, time.monotonic() - began)


def rated(chances: Mapping[str, np.ndarray], classes: np.ndarray, *, groups: np.ndarray | None, seed: int) -> Found:
    """Return the AUROC of each arm on the same resamples of the test cases; of more than two classes the mean of one against the rest."""
    statistics = {arm: _area(given, classes) for arm, given in chances.items()}
    return found(statistics, cases=len(classes), groups=groups, seed=seed)


def _area(chances: np.ndarray, classes: np.ndarray) -> Statistic:
    asked = [c for c in range(chances.shape[1]) if 0 < (classes == c).sum() < len(classes)]
    asked = asked[-1:] if chances.shape[1] == 2 else asked
    each = [ranked(chances[:, c], classes == c) for c in asked]
    if len(each) == 1:
        return each[0]
    carried = min((s.carried for s in each if s.carried is not None), default=0.0)
    return Statistic(each[0].measure, lambda counts: np.mean([s.of(counts) for s in each], axis=0), carried)
