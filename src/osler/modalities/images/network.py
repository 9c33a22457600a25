"""The network over a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from osler.contract import Encoded
from osler.core.state import State
from osler.modalities.images.case import PIXELS


class ImageEncoder(nn.Module):
    """Encodes pictures: `lift` scales pixels (B, C, i, j), `forward` gives vectors (B, width)."""

    mean: Tensor
    spread: Tensor

    def __init__(self, *, plan: Mapping[str, Any], state: State) -> None:
        super().__init__()
        width = int(plan["width"])
        for name in ("mean", "spread"):
            values = torch.as_tensor(state.arrays[name]).float()[:, None, None]
            self.register_buffer(name, values, persistent=False)
        self.width = 2 * width
        self.channels = (width, 2 * width)
        self.body = nn.Sequential(
            nn.Conv2d(len(self.mean), width, 3, stride=2, padding=1), nn.GroupNorm(8, width), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.GroupNorm(8, 2 * width), nn.ReLU(),
        )  # fmt: skip

    def lift(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, C, i, j) floats about 0."""
        return (fields[PIXELS].float() - self.mean) / self.spread

    def forward(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Encoded:
        """Return the vectors (B, width)."""
        return Encoded(self.body(lifted).mean((2, 3)))
