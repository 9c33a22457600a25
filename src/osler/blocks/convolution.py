"""Convolutional layers of pictures (`dims=2`, shapes (B, C, i, j)) and of volumes (`dims=3`, shapes (B, C, i, j, k))."""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_CONVOLUTION: dict[int, type[nn.Conv2d | nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}
_BATCH_NORM: dict[int, type[nn.Module]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def convolution(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, dims: int = 2) -> nn.Conv2d | nn.Conv3d:
    """Return a convolution without bias that keeps the size at stride 1 and divides it, rounded up, at others.

    First weights after He et al. 2015, so that variance passes through ReLU.
    """
    layer = _CONVOLUTION[dims](inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer


def normalisation(channels: int, *, kind: str, dims: int = 2) -> nn.Module:
    """Return batch normalisation, or groups of at least four channels within each case (Wu & He 2018)."""
    if kind == "group":
        return nn.GroupNorm(math.gcd(channels, max(1, channels // 4), 32), channels)
    return _BATCH_NORM[dims](channels)


class ConvolutionUnit(nn.Sequential):
    """Convolution, normalisation, ReLU: (B, in, …) to (B, out, … / stride)."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, norm: str = "batch", dims: int = 2
    ) -> None:
        super().__init__(
            convolution(inputs, outputs, kernel=kernel, stride=stride, dims=dims),
            normalisation(outputs, kind=norm, dims=dims),
            nn.ReLU(inplace=True),
        )


class Stem(nn.Sequential):
    """From channels to the first maps: `halvings` units that halve the size, each twice as wide as the one before.

    Where it is halved at most once, a unit that keeps the size stands before: small pictures are first looked at as fine as they
    are (a stem of several convolutions as in ResNet-D, He et al. 2019).
    """

    def __init__(self, channels: int, width: int, *, halvings: int, norm: str = "batch", dims: int = 2) -> None:
        widths = [max(8, width >> turn) for turn in reversed(range(1, halvings))] + [width]
        strides = [2] * halvings or [1]
        if halvings == 1:
            widths, strides = [max(8, width // 2), *widths], [1, *strides]
        pairs = zip(itertools.pairwise([channels, *widths]), strides, strict=True)
        super().__init__(*(ConvolutionUnit(a, b, stride=stride, norm=norm, dims=dims) for (a, b), stride in pairs))


class Shortcut(nn.Sequential):
    """What a residual block is added to where it changes shape: the mean of neighbours, then a 1 × 1 convolution.

    ResNet-D, He et al. 2019: no element of the maps is passed over, as a strided 1 × 1 convolution would.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, norm: str = "batch", dims: int = 2) -> None:
        pool = [_pool(stride, dims=dims)] if stride > 1 else []
        mix = [convolution(inputs, outputs, kernel=1, dims=dims), normalisation(outputs, kind=norm, dims=dims)]
        super().__init__(*pool, *(mix if inputs != outputs else []))


def _pool(stride: int, *, dims: int) -> nn.Module:
    return MeanPool3d(stride) if dims == 3 else nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)


class MeanPool3d(nn.Module):
    """Means of `stride` neighbours along each axis of volumes (B, C, i, j, k), also along axes that are shorter than that."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, …), sizes divided by `stride` and rounded up."""
        kernel = [min(self.stride, side) for side in x.shape[2:]]
        return F.avg_pool3d(x, kernel, kernel, ceil_mode=True, count_include_pad=False)


class SqueezeExcite(nn.Module):
    """Each channel times a gate from the mean of all channels, (B, C, …) to the same (Hu et al. 2018)."""

    def __init__(self, channels: int, *, reduction: int = 8) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, max(4, channels // reduction))
        self.excite = nn.Linear(max(4, channels // reduction), channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return the gated maps."""
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(global_mean(x)))))
        return x * gate.reshape(*gate.shape, *[1] * (x.dim() - 2))


class ResidualUnit(nn.Module):
    """ReLU(shortcut(x) + two convolutions of x): (B, in, …) to (B, out, … / stride).

    Starts as its shortcut, the last scale being 0 (Goyal et al. 2017). In training the convolutions of a case are left out
    with probability `drop` (stochastic depth, Huang et al. 2016).
    """

    def __init__(
        self, inputs: int, outputs: int, *, stride: int = 1, norm: str = "batch", dims: int = 2, gated: bool = False,
        drop: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        last = normalisation(outputs, kind=norm, dims=dims)
        nn.init.zeros_(last.weight)  # type: ignore[arg-type]
        self.body = nn.Sequential(
            ConvolutionUnit(inputs, outputs, stride=stride, norm=norm, dims=dims),
            convolution(outputs, outputs, dims=dims),
            last,
            *([SqueezeExcite(outputs)] if gated else []),
        )
        self.shortcut = Shortcut(inputs, outputs, stride=stride, norm=norm, dims=dims)
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps."""
        return F.relu(self.shortcut(x) + dropped(self.body(x), rate=self.drop, training=self.training))


def dropped(x: Tensor, *, rate: float, training: bool) -> Tensor:
    """Return `x` with whole cases set to 0 at `rate` in training, the rest scaled so that the mean stays."""
    if not training or rate == 0:
        return x
    kept = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device) >= rate
    return x * (kept.to(x.dtype) / (1 - rate))


def global_mean(x: Tensor) -> Tensor:
    """Return (B, C), the mean over all places of (B, C, i, j[, k])."""
    return x.flatten(2).mean(2) if x.dim() != 4 else x.mean((2, 3))
