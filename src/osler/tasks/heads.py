"""The last layer of a network for tasks on the vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class LinearHead(nn.Module):
    """From the fused vector (…, width) to raw outputs (…, k).

    Weights start at zero, so that the first answer is `bias` for every case: what is known before any training.
    """

    def __init__(self, width: int, bias: Sequence[float]) -> None:
        super().__init__()
        self.linear = nn.Linear(width, len(bias))
        nn.init.zeros_(self.linear.weight)
        with torch.no_grad():
            self.linear.bias.copy_(torch.tensor(list(bias), dtype=torch.float32))

    def forward(self, vector: Tensor) -> Tensor:
        """Return raw outputs."""
        output: Tensor = self.linear(vector)
        return output


def mean_over_observed(loss: Tensor, observed: Tensor) -> Tensor:
    """Return (B,) the mean of `loss` (B, k), or (B, K, k) of K models in one, over observed outputs; 0 where none is."""
    if loss.ndim == 3:
        loss = loss.mean(dim=1)
    seen = observed.to(loss.dtype)
    return (loss * seen).sum(dim=1) / seen.sum(dim=1).clamp(min=1)


def like(values: Tensor, raw: Tensor) -> Tensor:
    """Return `values` (B, k) without NaN, in the type of `raw`, with an axis for K models where raw has one."""
    known = torch.nan_to_num(values, nan=0.0).to(raw.dtype)
    return known.unsqueeze(1) if raw.ndim == 3 else known
