"""The variational autoencoder (Kingma & Welling 2014): a case becomes a small cloud, from any point of which it is restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from osler.core.plan import Plan
from osler.generation.representation.decoders import decoder
from osler.generation.representation.denoising import distance
from osler.generation.representation.noise import weights
from osler.generation.representation.objective import RepresentationObjective, normal


class Cloud(nn.Module):
    """From an encoder's vector (B, width) to mean and log-variance (B, size) of a cloud, and from a point (B, size) to a case."""

    def __init__(self, width: int, shape: tuple[int, ...], *, plan: Plan) -> None:
        super().__init__()
        size = int(plan["representation.size"])
        self.mean, self.spread = nn.Linear(width, size), nn.Linear(width, size)
        self.decoder = decoder(size, shape, channels=int(plan["representation.channels"]))


class Variational(RepresentationObjective):
    """The error of restoring a case from a point of its cloud, and how far the cloud is from the standard normal one, times
    `representation.beta`. The case's vector is the middle of its cloud."""

    restores: ClassVar[bool] = True

    def loss(self, fields: Mapping[str, Tensor], *, generator: torch.Generator) -> Tensor:
        """Return (B,)."""
        lifted = self.encoder.lift(fields)
        mean, spread = self._cloud(lifted, fields)
        point = mean + torch.exp(spread / 2) * normal(tuple(mean.shape), generator=generator, like=mean)
        error = self._error(lifted.detach(), point)
        return error + float(self.plan["representation.beta"]) * divergence(mean, spread)

    @property
    def width(self) -> int:
        """The numbers of a cloud's middle."""
        return int(self.plan["representation.size"])

    def vectors(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, size): the middles of the clouds."""
        return self._cloud(self.encoder.lift(fields), fields)[0].float()

    @torch.no_grad()
    def errors(self, fields: Mapping[str, Tensor]) -> Tensor | None:
        """Return (B,): the error of restoring each case from the middle of its cloud."""
        lifted = self.encoder.lift(fields)
        return self._error(lifted, self._cloud(lifted, fields)[0])

    def _cloud(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        vector = self.pooled(self.encoder(lifted, fields).vector)
        return self.beside.mean(vector), self.beside.spread(vector).clamp(-10.0, 10.0)

    def _error(self, wanted: Tensor, point: Tensor) -> Tensor:
        return distance(wanted, self.beside.decoder(point), weight=weights(wanted, encoder=self.encoder))


def divergence(mean: Tensor, spread: Tensor) -> Tensor:
    """Return (B,) the Kullback–Leibler divergence of N(mean, exp(spread)) from N(0, 1), the sum over its numbers."""
    mean, spread = mean.float(), spread.float()
    return 0.5 * (mean**2 + spread.exp() - 1 - spread).sum(1)
