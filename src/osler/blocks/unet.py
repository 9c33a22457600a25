"""Parts of a U-Net in two or three axes: stages down and up."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.01  # of the leaky rectifier below 0


def convolution(inputs: int, outputs: int, *, filters: Sequence[int], stride: Sequence[int] | int = 1) -> nn.Module:
    """Return a convolution of two or three axes, padded to keep its size, without bias."""
    kind = nn.Conv2d if len(filters) == 2 else nn.Conv3d
    steps = (stride,) * len(filters) if isinstance(stride, int) else tuple(stride)
    built: nn.Module = kind(inputs, outputs, tuple(filters), stride=steps, padding=tuple(f // 2 for f in filters), bias=False)  # type: ignore[arg-type]
    nn.init.kaiming_normal_(built.weight, a=SLOPE, nonlinearity="leaky_relu")  # type: ignore[arg-type]
    return built


class Normed(nn.Module):
    """Each case's channels brought to mean 0 and spread 1, then scaled (instance normalisation, Ulyanov et al. 2016).

    As groups of one channel, whose kernel on processors takes a third less time in bfloat16 than that of instances (docs/lab.md).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, …)."""
        return F.group_norm(x, x.shape[1], self.scale.to(x.dtype), self.shift.to(x.dtype))


class Unit(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016): act(norm(conv(act(norm(conv(x))))) + shortcut(x))."""

    def __init__(self, inputs: int, outputs: int, *, filters: Sequence[int], stride: Sequence[int] | int = 1) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs, filters=filters, stride=stride)
        self.second = convolution(outputs, outputs, filters=filters)
        self.norms = nn.ModuleList([Normed(outputs), Normed(outputs)])
        steps = (stride,) * len(filters) if isinstance(stride, int) else tuple(stride)
        self.pooled = steps if max(steps) > 1 else None
        self.shortcut = convolution(inputs, outputs, filters=(1,) * len(filters)) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, …)."""
        hidden = F.leaky_relu(self.norms[0](self.first(x)), SLOPE, inplace=True)
        hidden = self.norms[1](self.second(hidden))
        beside = x
        if self.pooled is not None:
            beside = (F.avg_pool2d if len(self.pooled) == 2 else F.avg_pool3d)(beside, self.pooled)
        beside = beside if self.shortcut is None else self.shortcut(beside)
        return F.leaky_relu(hidden + beside, SLOPE, inplace=True)


class Down(nn.Module):
    """A stage on the way down: residual units, the first of which takes the step."""

    def __init__(self, inputs: int, outputs: int, *, stride: Sequence[int], filters: Sequence[int], depth: int) -> None:
        super().__init__()
        first = Unit(inputs, outputs, filters=filters, stride=stride)
        self.units = nn.Sequential(first, *(Unit(outputs, outputs, filters=filters) for _ in range(depth - 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, …)."""
        found: Tensor = self.units(x)
        return found


class Up(nn.Module):
    """A stage on the way up: coarse maps made fine (transposed convolution), joined with those of the way down, one convolution."""

    def __init__(self, below: int, here: int, *, stride: Sequence[int], filters: Sequence[int]) -> None:
        super().__init__()
        kind = nn.ConvTranspose2d if len(stride) == 2 else nn.ConvTranspose3d
        self.rise = kind(below, here, tuple(stride), stride=tuple(stride), bias=False)  # type: ignore[arg-type]
        self.join = convolution(2 * here, here, filters=filters)
        self.norm = Normed(here)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Return (B, here, …) as fine as `skip`."""
        risen = self.rise(x)
        joined = self.join(torch.cat([risen.to(skip.dtype), skip], dim=1))
        return F.leaky_relu(self.norm(joined), SLOPE, inplace=True)
