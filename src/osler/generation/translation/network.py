"""The networks of translation: a U-Net that turns slices into slices, and a critic that looks at patches of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from osler.blocks.unet import Down, Up

FILTER = (3, 3)


class Translator(nn.Module):
    """Slices (B, inputs, i, j), about −1 to 1, to slices (B, outputs, i, j) on the other side's scale.

    A U-Net (Ronneberger et al. 2015) as in Isola et al. 2017, of residual units. Any i and j: what lacks to whole steps is padded with −1, the
    air. Begins as the identity: what the U-Net says is added to the slice itself (of other numbers of channels, to their mean), so that what
    stays the same need not be learned. `own` are the channels of the slice itself among `inputs`, which hold its neighbours too.
    """

    def __init__(self, inputs: int, outputs: int, *, own: int, widths: Sequence[int], depth: int) -> None:
        super().__init__()
        befores = [inputs, *widths[:-1]]
        strides = [(1, 1), *((2, 2),) * (len(widths) - 1)]
        self.downs = nn.ModuleList(
            Down(a, b, stride=s, filters=FILTER, depth=depth) for a, b, s in zip(befores, widths, strides, strict=True)
        )
        self.ups = nn.ModuleList(
            Up(below, here, stride=(2, 2), filters=FILTER) for here, below in reversed(list(itertools.pairwise(widths)))
        )
        self.last = nn.Conv2d(widths[0], outputs, 1)
        self.kept = nn.Conv2d(inputs, outputs, 1)
        nn.init.zeros_(self.last.weight)
        for layer in (self.last, self.kept):
            nn.init.zeros_(_bias(layer))
        with torch.no_grad():
            self.kept.weight.copy_(_identity(inputs, outputs, own=own))
        self.whole = 1 << (len(widths) - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, i, j) float32."""
        high, wide = x.shape[2:]
        x = F.pad(x, (0, -wide % self.whole, 0, -high % self.whole), value=-1.0)
        maps, skips = x, []
        for down in self.downs:
            maps = down(maps)
            skips.append(maps)
        for up, skip in zip(self.ups, reversed(skips[:-1]), strict=True):
            maps = up(maps, skip)
        found = self.last(maps).float() + self.kept(x).float()
        return found[..., :high, :wide]


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


def _identity(inputs: int, outputs: int, *, own: int) -> Tensor:
    """Return filters (outputs, inputs, 1, 1) that give the middle `own` channels, or their mean where numbers differ."""
    filters, first = torch.zeros(outputs, inputs, 1, 1), (inputs - own) // 2
    filters[:, first : first + own, 0, 0] = torch.eye(own) if own == outputs else torch.full((outputs, own), 1 / own)
    return filters


class PatchCritic(nn.Module):
    """How real each patch of a slice looks, (B, channels, i, j) to (B, 1, i / 8, j / 8): the PatchGAN of Isola et al. 2017.

    Judging small patches, it asks for texture and leaves the layout to the other losses. Spectral normalisation (Miyato et al. 2018) keeps it
    smooth; there is none of the maps, which would hide from it how bright an image is.
    """

    def __init__(self, channels: int, *, width: int) -> None:
        super().__init__()
        widths = [channels, width, 2 * width, 4 * width]
        self.steps = nn.ModuleList(
            nn.utils.parametrizations.spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1))
            for a, b in itertools.pairwise(widths)
        )
        self.last = nn.utils.parametrizations.spectral_norm(nn.Conv2d(widths[3], 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Return one number for each patch, float32: about 1 for real ones, 0 for made ones."""
        for step in self.steps:
            x = F.leaky_relu(step(x), 0.2)
        found: Tensor = self.last(x).float()
        return found
