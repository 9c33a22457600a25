"""The generator: from noise and a class to a picture."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from osler.blocks.convolution import convolution

SMALLEST = 8  # longer side at most, in pixels, of the first maps
WIDEST = 8  # times the width of the finest maps
EMBEDDED = 16  # numbers that stand for a class


def levels(size: Sequence[int]) -> list[tuple[int, int]]:
    """Return the sizes of maps from coarse to fine, each half of the next, rounded up.

    >>> levels((28, 28))
    [(7, 7), (14, 14), (28, 28)]
    """
    found = [(int(size[0]), int(size[1]))]
    while max(found[0]) > SMALLEST:
        found.insert(0, (-(-found[0][0] // 2), -(-found[0][1] // 2)))
    return found


def widths(count: int, *, width: int) -> list[int]:
    """Return the channels of `count` maps from coarse to fine, `width` of the finest and at most eight times it.

    >>> widths(3, width=16)
    [64, 32, 16]
    """
    return [width * min(WIDEST, 1 << turn) for turn in reversed(range(count))]


class Styled(nn.Module):
    """Batch normalisation whose scale and shift come from noise and class (de Vries et al. 2017; Brock et al. 2019)."""

    def __init__(self, channels: int, *, style: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.shape = nn.Linear(style, 2 * channels)
        nn.init.normal_(self.shape.weight, std=0.02)
        nn.init.zeros_(self.shape.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Return maps (B, C, i, j), normalised over the batch and then shaped by `style` (B, s)."""
        scale, shift = self.shape(style)[:, :, None, None].chunk(2, dim=1)
        return F.relu(self.norm(x) * (1 + scale) + shift)


class Rise(nn.Module):
    """A residual block to maps of `size`: convolutions of what is enlarged, added to it (Miyato et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, *, size: tuple[int, int], style: int) -> None:
        super().__init__()
        self.size = size
        self.before, self.between = Styled(inputs, style=style), Styled(outputs, style=style)
        self.first, self.second = convolution(inputs, outputs), convolution(outputs, outputs)
        self.shortcut = convolution(inputs, outputs, kernel=1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Return (B, outputs, *size)."""
        body = self.first(F.interpolate(self.before(x, style), self.size, mode="nearest"))
        body = self.second(self.between(body, style))
        # a 1 × 1 convolution and repetition of its pixels change places: first the cheap one
        return body + F.interpolate(self.shortcut(x), self.size, mode="nearest")


class Generator(nn.Module):
    """Pictures (B, channels, *size) from -1 to 1, from noise (B, noise) and classes (B,) int64."""

    def __init__(self, *, channels: int, size: Sequence[int], classes: int, noise: int, width: int) -> None:
        super().__init__()
        sizes, self.noise = levels(size), noise
        wide = widths(len(sizes), width=width)
        self.classes = nn.Embedding(classes, EMBEDDED)
        style = noise + EMBEDDED
        self.start, self.first = nn.Linear(style, wide[0] * sizes[0][0] * sizes[0][1]), (wide[0], *sizes[0])
        pairs = zip(itertools.pairwise(wide), sizes[1:], strict=True)
        self.rises = nn.ModuleList(Rise(a, b, size=s, style=style) for (a, b), s in pairs)
        self.end = Styled(wide[-1], style=style)
        self.picture = nn.Conv2d(wide[-1], channels, 3, padding=1)

    def forward(self, noise: Tensor, classes: Tensor) -> Tensor:
        """Return the pictures."""
        style = torch.cat([noise, self.classes(classes)], dim=1)
        x = self.start(style).reshape(-1, *self.first).contiguous(memory_format=torch.channels_last)
        for rise in self.rises:
            x = rise(x, style)
        return torch.tanh(self.picture(self.end(x, style)))
