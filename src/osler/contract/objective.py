"""What training needs of a model that it trains."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from osler.core.batch import Batch

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


def one_cycle(done: float, *, warm: float = 0.15) -> float:
    """Return the share of the peak learning rate at `done` (0 to 1) of the training: linear rise, cosine fall."""
    return done / warm if done < warm else 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))


class Objective:
    """What `fit` trains: a predictor, a GAN, an autoencoder."""

    module: nn.Module
    keeps: ClassVar[Literal["best", "last"]] = "best"  # the averaged weights of the lowest score, or the last good ones
    forgives: ClassVar[bool] = False  # a loss that is no number ends training with what is kept; else it is a RunError

    def optimisers(self, *, plan: Mapping[str, Any]) -> tuple[torch.optim.Optimizer, ...]:
        """Return one optimiser per turn (a GAN takes two turns a step); in a turn only its own weights learn."""
        raise NotImplementedError

    def share(self, done: float, *, turn: int) -> float:
        """Return the share of the plan's `fit.learning_rate` that `turn` takes at `done` (0 to 1) of the training."""
        return one_cycle(done)

    def step(self, batch: Batch, *, turn: int, generator: torch.Generator) -> Tensor:
        """Return the loss (B,) of one turn, one per case."""
        raise NotImplementedError

    def score(self, batches: Iterable[Batch]) -> float:
        """Return the loss to keep the best state by; lower is better."""
        raise NotImplementedError

    def trouble(self, scores: list[float]) -> str:
        """Return in a word what went wrong by now ("collapsed"), which ends training with what was kept, or "" where nothing did.
        `scores` are those of all epochs. Asked after each epoch, whose state is not kept yet; what it counts belongs in the
        module's buffers, so that a training that was killed counts on."""
        return ""
