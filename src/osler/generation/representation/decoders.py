"""From a vector back to what an encoder lifts: pictures and volumes, rows, sequences; one decoder for each shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from osler.blocks.convolution import ConvolutionUnit, convolution

COARSE = 4  # places along each axis of a grid from which a picture grows
LEAST, MOST = 16, 256  # channels of the finest and of the coarsest maps
MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}


def decoder(width: int, shape: Sequence[int], *, channels: int) -> nn.Module:
    """Return a module from vectors (B, width) to (B, *shape): (F,) of rows, (L, letters) of sequences, (C, i, j[, k]) of pictures and
    volumes. `channels` are those of the finest maps, or half the width inside a row's."""
    if len(shape) == 1:
        return RowDecoder(width, int(shape[0]), hidden=2 * channels)
    if len(shape) == 2:
        return SequenceDecoder(width, (int(shape[0]), int(shape[1])), channels=channels)
    return PictureDecoder(width, [int(size) for size in shape], channels=channels)


class RowDecoder(nn.Sequential):
    """(B, width) to (B, F) through one hidden layer."""

    def __init__(self, width: int, features: int, *, hidden: int) -> None:
        super().__init__(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, features))


class PictureDecoder(nn.Module):
    """(B, width) to (B, C, i, j[, k]): a coarse grid that doubles until it is as fine as the picture, a convolution at each step.

    Neighbours are copied and then convolved: transposed convolutions leave a chequered pattern (Odena et al. 2016).
    """

    def __init__(self, width: int, shape: Sequence[int], *, channels: int) -> None:
        super().__init__()
        self.size = tuple(shape[1:])
        dims = len(self.size)
        steps = max(0, math.ceil(math.log2(max(self.size) / COARSE)))
        self.coarse = tuple(max(1, math.ceil(side / 2**steps)) for side in self.size)
        widths = [min(MOST, max(LEAST, channels) << step) for step in reversed(range(steps + 1))]
        self.first = nn.Linear(width, widths[0] * math.prod(self.coarse))
        self.units = nn.ModuleList(
            ConvolutionUnit(before, after, norm="group", dims=dims)
            for before, after in zip([widths[0], *widths], widths, strict=False)
        )
        self.last = convolution(widths[-1], int(shape[0]), dims=dims)
        self.channels = widths[0]

    def forward(self, vector: Tensor) -> Tensor:
        """Return (B, C, i, j[, k])."""
        x = self.first(vector).reshape(len(vector), self.channels, *self.coarse)
        for at, unit in enumerate(self.units):
            x = unit(F.interpolate(x, scale_factor=2.0) if at else x)
        x = x if tuple(x.shape[2:]) == self.size else F.interpolate(x, size=self.size, mode=MODES[len(self.size)])
        found: Tensor = self.last(x)
        return found


class SequenceDecoder(nn.Module):
    """(B, width) to (B, L, letters) for sequences up to L letters: a coarse line that doubles, a convolution at each step."""

    def __init__(self, width: int, shape: tuple[int, int], *, channels: int) -> None:
        super().__init__()
        self.length = shape[0]
        steps = max(0, math.ceil(math.log2(max(self.length, 1) / 16)))
        self.coarse, self.channels = math.ceil(self.length / 2**steps), channels
        self.first = nn.Linear(width, channels * self.coarse)
        self.layers = nn.ModuleList(nn.Conv1d(channels, channels, 5, padding=2) for _ in range(steps + 1))
        self.last = nn.Conv1d(channels, shape[1], 1)

    def forward(self, vector: Tensor) -> Tensor:
        """Return (B, L, letters)."""
        x = self.first(vector).reshape(len(vector), self.channels, self.coarse)
        for at, layer in enumerate(self.layers):
            x = F.gelu(layer(F.interpolate(x, scale_factor=2.0) if at else x))
        found: Tensor = self.last(x[..., : self.length]).transpose(1, 2)
        return found
