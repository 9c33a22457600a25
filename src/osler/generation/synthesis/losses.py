"""What the two players of a GAN want. Scores are the discriminator's, before the sigmoid: D(x) = sigmoid(score)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from osler.core.errors import PlanError

LOSSES = ("non-saturating", "hinge", "minimax")


def value(real: Tensor, fake: Tensor) -> Tensor:
    """Return the minimax value E[log D(x)] + E[log(1 - D(G(z)))] of Goodfellow et al. 2014, from scores (B,) of real pictures and of
    generated ones. -log 4 where the discriminator knows nothing, that is, where every D is 1/2."""
    return F.logsigmoid(real).mean() + F.logsigmoid(-fake).mean()


def against(real: Tensor, fake: Tensor, *, kind: str) -> Tensor:
    """Return (B,) what the discriminator lowers: minus its share of the value; for "hinge", Lim & Ye 2017."""
    if kind == "hinge":
        return F.relu(1 - real) + F.relu(1 + fake)
    return F.softplus(-real) + F.softplus(fake)


def towards(fake: Tensor, *, kind: str) -> Tensor:
    """Return (B,) what the generator lowers.

    "minimax" is log(1 - D), the game as it was written down; its slope in the score is -D, which is nothing where the discriminator
    is sure. "non-saturating" is -log D, whose slope there is -1 (both Goodfellow et al. 2014, section 3); "hinge" is minus the score.
    """
    if kind == "minimax":
        return -F.softplus(fake)
    if kind == "non-saturating":
        return F.softplus(-fake)
    if kind == "hinge":
        return -fake
    raise PlanError(f"'synthesis.loss' cannot be {kind!r}; it is one of: {', '.join(LOSSES)}")


def slope_penalty(scores: Tensor, pictures: Tensor) -> Tensor:
    """Return (B,), R1: the squared norm of each score's gradient in its real picture (Mescheder et al. 2018), half of it to be
    added. `pictures` must ask for gradients."""
    (slopes,) = torch.autograd.grad(scores.sum(), pictures, create_graph=True)
    return slopes.square().flatten(1).sum(1)
