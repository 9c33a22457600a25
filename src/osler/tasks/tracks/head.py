"""From the map to one raw output for each letter."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class TrackHead(nn.Module):
    """A convolution of size one on the finest map (B, channels, length); its first answer is `bias` for every letter."""

    def __init__(self, channels: int, *, bias: float) -> None:
        super().__init__()
        self.out = nn.Conv1d(channels, 1, 1)
        nn.init.normal_(self.out.weight, std=0.01)
        assert self.out.bias is not None
        with torch.no_grad():
            self.out.bias.fill_(bias)

    def forward(self, maps: tuple[Tensor, ...]) -> Tensor:
        """Return (B, 1, length) float32, whatever the precision of the map: letters are ranked, and bfloat16 tells but 256 steps apart."""
        with torch.autocast(maps[0].device.type, enabled=False):
            raw: Tensor = self.out(maps[0].float())
        return raw
