"""Contrastive learning: of two looks at a case the vectors shall be alike, and unlike those of other cases (Chen et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from osler.core.plan import Plan
from osler.generation.representation.objective import RepresentationObjective
from osler.generation.representation.views import view

SAME = 25.0  # weights of the parts of the loss against redundancy, those of its authors
SPREAD = 25.0
APART = 1.0


class Projection(nn.Sequential):
    """(B, width) to (B, size): the loss is of its output, the vector before it is kept, which tells more (Chen et al. 2020)."""

    def __init__(self, width: int, *, size: int) -> None:
        inner = max(width, size)
        super().__init__(
            nn.Linear(width, inner, bias=False), nn.BatchNorm1d(inner), nn.ReLU(inplace=True), nn.Linear(inner, size)
        )


class Contrastive(RepresentationObjective):
    """Two looks at each case of a batch; `representation.loss` compares them with others ("others") or looks at the spread of all
    numbers and at what they share ("redundancy", Bardes et al. 2022), which needs no large batches."""

    def loss(self, fields: Mapping[str, Tensor], *, generator: torch.Generator) -> Tensor:
        """Return (B,)."""
        lifted = self.encoder.lift(fields)
        looks = [self._look(lifted, generator) for _ in range(2)]
        one, two = (self._projected(look, fields) for look in looks)
        if self.plan["representation.loss"] == "redundancy":
            return redundancy(one, two)
        return others(one, two, temperature=float(self.plan["representation.temperature"]))

    def _look(self, lifted: Tensor, generator: torch.Generator) -> Tensor:
        plan = self.plan
        return view(
            lifted, encoder=self.encoder, crop=float(plan["representation.crop"]), light=float(plan["representation.light"]),
            share=float(plan["representation.hidden"]), generator=generator,
        )  # fmt: skip

    def _projected(self, look: Tensor, fields: Mapping[str, Tensor]) -> Tensor:
        found: Tensor = self.beside(self.pooled(self.encoder(look, fields).vector))
        return found.float()


def projection(width: int, *, plan: Plan) -> Projection:
    """Return what is trained behind the encoder."""
    return Projection(width, size=int(plan["representation.projected"]))


def others(one: Tensor, two: Tensor, *, temperature: float) -> Tensor:
    """Return (B,) the mean cross-entropy of finding the other look at a case among all looks of the batch (NT-Xent)."""
    looks = F.normalize(torch.cat([one, two]), dim=1)
    alike = looks @ looks.T / temperature
    alike.fill_diagonal_(-torch.inf)
    cases = len(one)
    wanted = torch.arange(2 * cases, device=one.device).roll(cases)
    each = F.cross_entropy(alike, wanted, reduction="none")
    return (each[:cases] + each[cases:]) / 2


def redundancy(one: Tensor, two: Tensor) -> Tensor:
    """Return (B,) the loss of VICReg (Bardes et al. 2022): looks at a case are alike, each number varies between cases, and no two
    numbers say the same. The last two are of the batch, and the same for each of its cases."""
    same = ((one - two) ** 2).mean(1)
    batch = sum(SPREAD / 2 * _spread(x) + APART * _shared(x) for x in (one, two))
    return SAME * same + batch


def _spread(x: Tensor) -> Tensor:
    return F.relu(1 - torch.sqrt(x.var(0) + 1e-4)).mean()


def _shared(x: Tensor) -> Tensor:
    apart = x - x.mean(0)
    covariance = apart.T @ apart / max(len(x) - 1, 1)
    return (covariance**2).fill_diagonal_(0.0).sum() / x.shape[1]
