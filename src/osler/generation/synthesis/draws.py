"""The experiment's sizes, one after the other while the budget lasts, and several draws of one size as one."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from osler.contract import Made
from osler.core.scores import Value
from osler.generation.synthesis.experiment import ARMS, COMPARED, Size, subset, trained_generator
from osler.generation.synthesis.objective import SynthesisObjective
from osler.generation.synthesis.readers import Learning, Pictures

LEAST_TIME = 0.25  # of the readers' time, without which a generator is not begun
FEWEST = 3  # draws of which an interval is told


@dataclass(frozen=True, slots=True)
class Whole:
    """What all draws of a size gave: of one draw with intervals over the test cases, of several the means with intervals over draws."""

    cases: int
    draws: int
    arms: Mapping[str, Value]
    differences: Mapping[tuple[str, str], Value]


def sizes(
    made: Made, training: Pictures, *, first: Size, tried: Callable[[Pictures, SynthesisObjective, str], Size], learning: Learning,
    ends: float,
) -> tuple[list[Whole], list[int]]:  # fmt: skip
    """Return what each size gave, from few cases to all (`first`), and those for which the budget did not last until `ends` (monotonic clock).

    Draws are made in turn for all sizes, so that an end by the clock takes draws and no size.
    """
    counts = sorted({int(s) for s in made.plan["synthesis.sizes"] if s < len(training)})
    found: dict[int, list[Size]] = {count: [] for count in counts}
    asked = list(itertools.product(range(int(made.plan["synthesis.draws"])), counts))
    for at, (draw, count) in enumerate(asked):
        seconds = (ends - time.monotonic()) / (len(asked) - at) - first.seconds
        if seconds < LEAST_TIME * first.seconds:
            continue
        real = subset(training, count, seed=made.seed + 1000 * draw)
        folder = made.folder / f"generator-{count}-{draw}"
        own = trained_generator(made, real, learning=learning, folder=folder, seconds=seconds)
        found[count].append(tried(real, own, f"{count}-{draw}"))
    done = [together(draws) for draws in found.values() if draws]
    return [*done, together([first])], [count for count, draws in found.items() if not draws]


def together(draws: Sequence[Size]) -> Whole:
    """Return several draws of a size as one."""
    if len(draws) == 1:
        return Whole(draws[0].cases, 1, draws[0].arms, draws[0].differences)
    arms = {arm: over([size.arms[arm].value for size in draws]) for arm in ARMS}
    differences = {pair: over([size.differences[pair].value for size in draws]) for pair in COMPARED}
    return Whole(draws[0].cases, len(draws), arms, differences)


def over(values: Sequence[float]) -> Value:
    """Return the mean of `values`, one of each draw, with its interval by Student's t.

    >>> found = over([1.0, 2.0, 3.0])  # 2 ± 4.303 / √3
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (2.0, -0.484, 4.484)
    """
    known = np.asarray(values, np.float64)
    mean, count = float(known.mean()), len(known)
    if count < FEWEST:
        return Value(mean, note=f"{count} draws: {known.min():.3g} to {known.max():.3g}")
    half = float(stdtrit(count - 1, 0.975) * known.std(ddof=1) / np.sqrt(count))
    return Value(mean, mean - half, mean + half)
