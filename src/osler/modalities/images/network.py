"""The network over a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from osler.blocks.convolution import ResidualUnit, Stem, global_mean
from osler.contract import Encoded
from osler.core.state import State
from osler.modalities.images.case import PIXELS

WIDEST = 512  # channels
FLIPS = {"none": ((),), "horizontal": ((), (-1,)), "both": ((), (-1,), (-2,), (-2, -1))}


class ImageEncoder(nn.Module):
    """Encodes pictures: `lift` turns pixels (B, C, i, j) into floats about 0, `forward` gives vectors.

    A residual network (He et al. 2016) in stages, each half as fine and twice as wide as the one before. In training the
    vector is (B, width); afterwards, where the plan asks for it, (B, views, width) of the picture and its mirror images, whose
    raw outputs the network then averages. `maps` are those of the picture itself, one for each stage.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, *, plan: Mapping[str, Any], state: State) -> None:
        super().__init__()
        for name in ("mean", "spread"):
            values = torch.as_tensor(state.arrays[name]).float()
            self.register_buffer(name, values.reshape(-1, 1, 1), persistent=False)
        self.alone = plan["normalise"] == "picture"
        self.layout = torch.channels_last if plan["layout"] == "channels-last" else torch.contiguous_format
        self.views = FLIPS[plan["views"]]
        widths = tuple(min(WIDEST, int(plan["width"]) << stage) for stage in range(int(plan["stages"])))
        halvings, norm = int(plan["halvings"]), plan["norm"]
        self.channels = widths
        self.strides = tuple(1 << (halvings + stage) for stage in range(len(widths)))
        self.width = widths[-1]
        self.stem = Stem(len(self.mean), widths[0], halvings=halvings, norm=norm)
        self.stages = nn.ModuleList(stages(widths, depth=int(plan["depth"]), norm=norm, drop=float(plan["drop_path"])))
        self.dropout = nn.Dropout(float(plan["dropout"]))

    def lift(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, C, i, j) floats, scaled by the training pictures or each picture by itself."""
        pixels = fields[PIXELS].float()
        if self.alone:
            spread, mean = torch.std_mean(pixels, dim=(-2, -1), keepdim=True, correction=0)
            scaled = (pixels - mean) / spread.clamp_min(1e-3)
        else:
            scaled = (pixels - self.mean) / self.spread
        return scaled.contiguous(memory_format=self.layout)

    def forward(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Encoded:
        """Return vectors and the picture's maps from fine to coarse."""
        maps = self._maps(lifted)
        vector = self.dropout(global_mean(maps[-1]))
        if not self.training and len(self.views) > 1:
            others = [global_mean(self._maps(lifted.flip(axes))[-1]) for axes in self.views[1:]]
            vector = torch.stack([vector, *others], dim=1)
        return Encoded(vector, maps, self.strides)

    def _maps(self, lifted: Tensor) -> tuple[Tensor, ...]:
        x, maps = self.stem(lifted), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)


def stages(widths: tuple[int, ...], *, depth: int, norm: str, drop: float, dims: int = 2) -> list[nn.Sequential]:
    """Return a sequence of residual units per width; `drop` of the last unit, less of those before."""
    built, inputs, total = [], widths[0], max(1, depth * len(widths))
    for stage, outputs in enumerate(widths):
        units = []
        for turn in range(depth):
            stride = 2 if stage and turn == 0 else 1
            rate = drop * (stage * depth + turn + 1) / total
            units.append(ResidualUnit(inputs, outputs, stride=stride, norm=norm, dims=dims, drop=rate))
            inputs = outputs
        built.append(nn.Sequential(*units))
    return built
