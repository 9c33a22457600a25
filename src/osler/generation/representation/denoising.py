"""The denoising autoencoder: what was hidden of a case is restored from its vector (Vincent et al. 2008)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from osler.generation.representation.noise import hidden, weights
from osler.generation.representation.objective import RepresentationObjective


class Denoising(RepresentationObjective):
    """Mean squared error between what was lifted and what is restored from the vector of its hidden version."""

    restores: ClassVar[bool] = True

    def loss(self, fields: Mapping[str, Tensor], *, generator: torch.Generator) -> Tensor:
        """Return (B,)."""
        lifted = self.encoder.lift(fields)
        share, noise = float(self.plan["representation.hidden"]), float(self.plan["representation.noise"])
        seen = hidden(lifted, encoder=self.encoder, share=share, noise=noise, generator=generator)
        return self._distance(lifted.detach(), seen, fields)

    @torch.no_grad()
    def errors(self, fields: Mapping[str, Tensor]) -> Tensor | None:
        """Return (B,): the error with nothing hidden."""
        lifted = self.encoder.lift(fields)
        return self._distance(lifted, lifted, fields)

    def _distance(self, wanted: Tensor, seen: Tensor, fields: Mapping[str, Tensor]) -> Tensor:
        restored = self.beside(self.pooled(self.encoder(seen, fields).vector))
        return distance(wanted, restored, weight=weights(wanted, encoder=self.encoder))


def distance(wanted: Tensor, restored: Tensor, *, weight: Tensor) -> Tensor:
    """Return the weighted mean squared difference (B,); of sequences of another length than the longest, where both are."""
    if wanted.dim() == 3:
        length = min(wanted.shape[1], restored.shape[1])
        wanted, restored, weight = wanted[:, :length], restored[:, :length], weight[:, :length]
    squares = ((wanted.float() - restored.float()) ** 2) * weight
    total = weight.expand_as(squares).flatten(1).sum(1).clamp_min(1e-6)
    return squares.flatten(1).sum(1) / total
