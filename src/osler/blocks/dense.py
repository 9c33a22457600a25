"""Dense layers that carry several models at once."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class EnsembleLinear(nn.Module):
    """K linear maps that share one matrix and differ by scales and biases: y_k = s_k · W (r_k · x_k) + b_k.

    Takes (B, in) or (B, K, in), gives (B, K, out). `r` starts with a random sign per owner of an input (all inputs that come
    from one column flip together), which is what makes the K models differ; the rest starts equal. Scales and biases are
    stored flat, as vectors, so that weight decay leaves them alone.

    BatchEnsemble: Wen et al. 2020; random signs on the first layer: Gorishniy et al. 2024 (TabM).
    """

    def __init__(self, inputs: int, outputs: int, *, members: int, owner: Tensor | None = None) -> None:
        super().__init__()
        self.inputs, self.outputs, self.members = inputs, outputs, members
        self.weight = nn.Parameter(torch.empty(outputs, inputs).uniform_(-1, 1) / math.sqrt(max(inputs, 1)))
        self.scale_in = nn.Parameter(_signs(inputs, members=members, owner=owner))
        self.scale_out = nn.Parameter(torch.ones(members * outputs))
        bias = torch.empty(outputs).uniform_(-1, 1) / math.sqrt(max(inputs, 1))
        self.bias = nn.Parameter(bias.repeat(members))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, K, out)."""
        x = x[:, None] if x.dim() == 2 else x
        hidden = F.linear(x * self.scale_in.view(self.members, self.inputs), self.weight)
        shape = (self.members, self.outputs)
        return torch.addcmul(self.bias.view(shape), hidden, self.scale_out.view(shape))


class ResidualBlock(nn.Module):
    """x + W₂ · dropout(SiLU(W₁ · norm(x))) for K models; starts as the identity, so a network starts as a linear model."""

    def __init__(self, width: int, *, members: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.widen = EnsembleLinear(width, width, members=members)
        self.narrow = EnsembleLinear(width, width, members=members)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, K, width)."""
        return x + self.narrow(self.dropout(F.silu(self.widen(self.norm(x)))))


def smooth_clip(x: Tensor, *, limit: float = 3.0) -> Tensor:
    """Return x squeezed into (-limit, limit), close to x near zero (Holzmüller et al. 2024, RealMLP)."""
    return x / torch.sqrt(1 + (x / limit) ** 2)


def _signs(inputs: int, *, members: int, owner: Tensor | None) -> Tensor:
    if owner is None or members == 1:
        return torch.ones(members * inputs)
    owners = int(owner.max()) + 1 if len(owner) else 0
    drawn = torch.randint(0, 2, (members, owners)).float() * 2 - 1
    return drawn[:, owner].reshape(-1)
