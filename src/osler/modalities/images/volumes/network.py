"""The network over a volume: convolutions through three axes, or through slices whose vectors are then pooled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from osler.blocks.convolution import Stem, global_mean
from osler.contract import Encoded
from osler.core.state import State
from osler.modalities.images.case import PIXELS
from osler.modalities.images.network import WIDEST, stages
from osler.modalities.images.volumes.view import HALF, WHOLE

MIRRORED = {"none": (), "left-right": (-3,)}


class VolumeEncoder(nn.Module):
    """Encodes volumes: `lift` turns pixels (B, C, i, j, k) into floats about 0, `forward` gives vectors.

    A residual network (He et al. 2016) as that of pictures. Its `view` is "3-D", or of slices across `axis`, each by itself
    ("slices") or with the one before and the one behind as channels ("2.5-D"); the vectors of a case's slices are then pooled. In
    training the vector is (B, width); afterwards, where the plan asks for it, (B, 2, width) of the volume and its mirror image.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, *, plan: Mapping[str, Any], state: State) -> None:
        super().__init__()
        for name in ("mean", "spread"):
            values = torch.as_tensor(state.arrays[name]).float()
            self.register_buffer(name, values.reshape(-1, 1, 1, 1), persistent=False)
        self.alone = plan["normalise"] == "case"
        self.whole, self.beside, self.axis = plan["view"] == WHOLE, plan["view"] == HALF, int(plan["axis"])
        dims = 3 if self.whole else 2
        last = torch.channels_last_3d if self.whole else torch.channels_last
        self.layout = last if plan["layout"] == "channels-last" else torch.contiguous_format
        self.mirrored = MIRRORED[plan["views"]]
        widths = tuple(min(WIDEST, int(plan["width"]) << stage) for stage in range(int(plan["stages"])))
        halvings, norm = int(plan["halvings"]), plan["norm"]
        self.channels, self.width = widths, widths[-1]
        self.strides = tuple(1 << (halvings + stage) for stage in range(len(widths)))
        inputs = len(self.mean) * (3 if self.beside else 1)
        self.stem = Stem(inputs, widths[0], halvings=halvings, norm=norm, dims=dims)
        self.stages = nn.ModuleList(stages(widths, depth=int(plan["depth"]), norm=norm, drop=float(plan["drop_path"]), dims=dims))
        self.pool = SlicePool(self.width) if plan["pool"] == "attention" and not self.whole else None
        self.dropout = nn.Dropout(float(plan["dropout"]))

    def lift(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, C, i, j, k) floats, scaled by the training volumes or each volume by itself."""
        pixels = fields[PIXELS].float()
        if not self.alone:
            return (pixels - self.mean) / self.spread
        spread, mean = torch.std_mean(pixels, dim=(-3, -2, -1), keepdim=True, correction=0)
        return (pixels - mean) / spread.clamp_min(1e-3)

    def forward(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Encoded:
        """Return vectors and the volume's maps (B, width, i, j, k) from fine to coarse."""
        maps = self._maps(lifted)
        vector = self._vector(maps[-1])
        if not self.training and self.mirrored:
            other = self._vector(self._maps(lifted.flip(self.mirrored))[-1])
            vector = torch.stack([vector, other], dim=1)
        return Encoded(vector, maps, self.strides)

    def _maps(self, lifted: Tensor) -> tuple[Tensor, ...]:
        x = lifted if self.whole else self._slices(lifted)
        x, maps = self.stem(x.contiguous(memory_format=self.layout)), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x if self.whole else x.unflatten(0, (len(lifted), -1)).movedim(1, 2 + self.axis))
        return tuple(maps)

    def _slices(self, lifted: Tensor) -> Tensor:
        """Return (B · slices, C, …): the slices of each case, with their neighbours where they are seen together."""
        apart = lifted.movedim(2 + self.axis, 1)
        if self.beside:
            before = torch.cat([apart[:, :1], apart[:, :-1]], dim=1)
            behind = torch.cat([apart[:, 1:], apart[:, -1:]], dim=1)
            apart = torch.cat([before, apart, behind], dim=2)
        return apart.flatten(0, 1)

    def _vector(self, last: Tensor) -> Tensor:
        if self.whole:
            return self.dropout(global_mean(last))
        each = last.movedim(2 + self.axis, 1).flatten(3).mean(3)
        return self.dropout(each.mean(1) if self.pool is None else self.pool(each))


class SlicePool(nn.Module):
    """The mean of vectors (B, slices, width) by weights that are learned from each of them (Ilse et al. 2018); even at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden, self.weight = nn.Linear(width, max(8, width // 4)), nn.Linear(max(8, width // 4), 1)
        nn.init.zeros_(self.weight.weight)

    def forward(self, each: Tensor) -> Tensor:
        """Return (B, width)."""
        share = torch.softmax(self.weight(torch.tanh(self.hidden(each))), dim=1)
        return (share * each).sum(1)
