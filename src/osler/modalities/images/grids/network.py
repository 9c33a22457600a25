"""The network over windows: a residual U-Net."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from osler.blocks.unet import Down, Up
from osler.contract import Encoded
from osler.core.state import State
from osler.modalities.images.grids.case import LEVEL_NAMES, LEVELS, VOLUME


class GridEncoder(nn.Module):
    """Encodes windows: `lift` turns volumes (B, C, i, j[, k]) into floats about 0, `forward` gives the decoder's maps from fine to
    coarse, and as vector the mean of the coarsest.

    A U-Net (Ronneberger et al. 2015) of residual units (He et al. 2016; Isensee et al. 2024). `views` are the axes, from the last,
    over which predictions are averaged.
    """

    low: Tensor
    high: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(self, *, plan: Mapping[str, Any], state: State) -> None:
        super().__init__()
        self.axes = len(plan["patch"])
        for name in ("low", "high", "mean", "spread"):
            values = torch.as_tensor(state.arrays[name]).float()
            self.register_buffer(name, values.reshape(1, -1, *[1] * self.axes), persistent=False)
        self.alone = plan["normalise"] == "case"
        self.layout = _layout(str(plan["layout"]), axes=self.axes)
        self.views = tuple(_views(plan["mirror"], axes=self.axes))
        widths, strides, filters = list(plan["widths"]), list(plan["strides"]), list(plan["filters"])
        inputs = [self.mean.shape[1], *widths[:-1]]
        shapes = list(zip(inputs, widths, strides, filters, strict=True))
        self.downs = nn.ModuleList(
            Down(a, b, stride=tuple(s), filters=tuple(f), depth=int(plan["depth"])) for a, b, s, f in shapes
        )
        self.ups = nn.ModuleList(
            Up(below, here, stride=tuple(s), filters=tuple(f))
            for (here, below), s, f in zip(itertools.pairwise(widths), strides[1:], filters[:-1], strict=True)
        )
        self.channels = tuple(widths[:-1]) or tuple(widths)
        self.strides = tuple(1 << stage for stage in range(len(self.channels)))
        self.width = widths[-1]
        for weight in self.parameters():
            if weight.dim() == self.axes + 2:
                weight.data = weight.data.contiguous(memory_format=self.layout)

    def lift(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, C, i, j[, k]) floats: scaled by the study's levels, or by the case's own."""
        values = fields[VOLUME].float()
        if self.alone:
            own = fields[LEVELS].float().reshape(*values.shape[:2], len(LEVEL_NAMES), *[1] * self.axes)
            mean, spread = (own[:, :, LEVEL_NAMES.index(name)] for name in ("mean", "spread"))
            scaled = ((values - mean) / spread.clamp_min(1e-6)).clamp(-8, 8)
        else:
            kept = torch.minimum(torch.maximum(values, self.low), self.high)
            scaled = (kept - self.mean) / self.spread
        return torch.nan_to_num(scaled).contiguous(memory_format=self.layout)

    def forward(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Encoded:
        """Return the mean of the coarsest maps, and the decoder's maps."""
        x, skips = lifted, []
        for down in self.downs:
            x = down(x)
            skips.append(x)
        vector = x.flatten(2).mean(2)
        maps = []
        for up, skip in zip(reversed(self.ups), reversed(skips[:-1]), strict=True):
            x = up(x, skip)
            maps.append(x)
        return Encoded(vector, tuple(reversed(maps)) or (x,), self.strides)


def _views(mirror: list[int], *, axes: int) -> list[tuple[int, ...]]:
    """Return every set of the mirrored axes, counted from the last."""
    turned = [axis - axes for axis in mirror]
    return [chosen for many in range(len(turned) + 1) for chosen in itertools.combinations(turned, many)]


def _layout(name: str, *, axes: int) -> torch.memory_format:
    last = torch.channels_last if axes == 2 else torch.channels_last_3d
    return last if name == "channels-last" else torch.contiguous_format
