"""How long a training may take, and how many epochs that gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LATE = 1.25  # times its allowance: a training that would end later has fewer epochs
EARLY = 0.8  # times its allowance: one that would end sooner, and wants more epochs, has more
FIRST = 5.0  # seconds that a first epoch may take beyond the others: kernels are chosen, processes begin
YOUNG = 4  # the first so-manieth part of a training may still be made longer: later the learning rate has come down too far


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds of one training: `limit` ends it after an epoch, `allowance` is its part of the budget, by which epochs are planned anew, up to
    `most`. None where the plan or its epochs were given: then epochs alone count, and `replanned`, pairs of an epoch and the epochs in
    all that there are after it, is followed as an earlier training wrote it."""

    limit: float | None = None
    allowance: float | None = None
    most: int = 0
    replanned: tuple[tuple[int, int], ...] = ()

    def over(self, seconds: float) -> bool:
        """Whether training must end after this epoch."""
        return self.limit is not None and seconds > self.limit

    def epochs(self, planned: int, *, done: int, seconds: float) -> int:
        """Return the epochs of the whole training after `done` of the `planned` ones took `seconds`.

        A step is timed once before training, perhaps while the machine was busy, or the machine became so. Where training would
        end too late, it has as many epochs as its allowance holds, one more at least, in which the learning rate comes down.
        """
        given = dict(self.replanned).get(done)
        if given is not None:
            return given
        if self.allowance is None or done >= planned:
            return planned
        left = max(0.0, self.allowance - seconds)
        pace = max(seconds - FIRST, 1e-9) / done
        if seconds + pace * (planned - done) > LATE * self.allowance:
            return min(planned, done + max(1, int(left / pace)))
        pace = max(seconds, 1e-9) / done
        if seconds + pace * (planned - done) < EARLY * self.allowance and done <= max(1, planned // YOUNG):
            return max(planned, min(self.most, done + int(left / pace)))
        return planned


UNTIMED = Clock()


def share_done(epoch: float, *, planned: int, replanned: Sequence[tuple[int, int]]) -> float:
    """Return the share of the training that is done after so many epochs, 0 to 1.

    `planned` epochs make the whole; each (epoch, total) of `replanned` spreads what was left after that epoch over the rest of `total`, so
    that learning rates go on from where they are.
    """
    share, start, total = 0.0, 0, planned
    for after, other in replanned:
        share += (1 - share) * (after - start) / (total - start)
        start, total = after, other
    return share + (1 - share) * (epoch - start) / (total - start)
