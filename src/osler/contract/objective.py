"""What training needs of a model that it trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from osler.core.batch import Batch

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class Objective:
    """What `fit` trains: a predictor, a GAN, an autoencoder."""

    module: nn.Module

    def optimisers(self, *, plan: Mapping[str, Any]) -> tuple[torch.optim.Optimizer, ...]:
        """Return one optimiser per turn (a GAN takes two turns a step)."""
        raise NotImplementedError

    def step(self, batch: Batch, *, turn: int, generator: torch.Generator) -> Tensor:
        """Return the loss (B,) of one turn, one per case."""
        raise NotImplementedError

    def score(self, batches: Iterable[Batch]) -> float:
        """Return the loss to keep the best state by; lower is better."""
        raise NotImplementedError
