"""The discriminator: how real a picture of a class looks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from osler.blocks.convolution import convolution
from osler.generation.synthesis.generator import levels, widths

Layer = TypeVar("Layer", bound=nn.Module)
SLOPE = 0.2  # of the leaky ReLU


def bounded(layer: Layer, *, bound: bool = True) -> Layer:
    """Return `layer` with its weight divided by its largest singular value (Miyato et al. 2018), where it is to be `bound`."""
    return cast("Layer", spectral_norm(layer)) if bound else layer


class Fall(nn.Module):
    """A residual block that halves maps, sizes rounded up: (B, inputs, i, j) to (B, outputs, i/2, j/2)."""

    def __init__(self, inputs: int, outputs: int, *, bound: bool) -> None:
        super().__init__()
        self.first = bounded(convolution(inputs, inputs), bound=bound)
        self.second = bounded(convolution(inputs, outputs), bound=bound)
        self.shortcut = bounded(convolution(inputs, outputs, kernel=1), bound=bound)

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps."""
        body = self.first(F.leaky_relu(x, SLOPE))
        body = self.second(halved(F.leaky_relu(body, SLOPE)))
        return body + self.shortcut(halved(x))


def halved(x: Tensor) -> Tensor:
    """Return means of two by two pixels; what is left over at the rims stands for itself."""
    return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)


class Discriminator(nn.Module):
    """Scores (B,), higher for what looks real, of pictures (B, channels, *size) and classes (B,) int64.

    The class speaks through a projection on the last features (Miyato & Koyama 2018). One feature map is the spread of each pixel
    over a few pictures of the batch, so that a generator with few answers is told by their likeness (Karras et al. 2018).
    """

    def __init__(self, *, channels: int, size: Sequence[int], classes: int, width: int, bound: bool) -> None:
        super().__init__()
        sizes = levels(size)
        wide = widths(len(sizes), width=width)[::-1]
        self.start = bounded(nn.Conv2d(channels, wide[0], 3, padding=1), bound=bound)
        self.falls = nn.ModuleList(Fall(a, b, bound=bound) for a, b in itertools.pairwise(wide))
        self.last = bounded(convolution(wide[-1] + 1, wide[-1]), bound=bound)
        self.score = bounded(nn.Linear(wide[-1], 1), bound=bound)
        self.classes = bounded(nn.Embedding(classes, wide[-1]), bound=bound)

    def forward(self, pictures: Tensor, classes: Tensor) -> Tensor:
        """Return how real they look."""
        x = self.start(pictures.contiguous(memory_format=torch.channels_last))
        for fall in self.falls:
            x = fall(x)
        x = torch.cat([x, alikeness(x)], dim=1)
        x = F.leaky_relu(self.last(F.leaky_relu(x, SLOPE)), SLOPE).mean((2, 3)) * x.shape[2]
        return self.score(x)[:, 0] + (self.classes(classes) * x).sum(1)


def alikeness(x: Tensor, *, together: int = 4) -> Tensor:
    """Return (B, 1, i, j), one number per group of at most `together` pictures: the mean spread of their maps."""
    cases, many = len(x), min(together, len(x))
    whole = cases - cases % many
    groups = x[:whole].float().reshape(many, whole // many, *x.shape[1:])
    spread = (groups.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3))
    told = spread.repeat(many)
    told = torch.cat([told, told[: cases - whole]]) if cases > whole else told
    return told.to(x.dtype).reshape(cases, 1, 1, 1).expand(-1, 1, *x.shape[2:])
