"""From maps to raw outputs of each place."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class MapHead(nn.Module):
    """A convolution of size one on each of the finest maps: `channels` of those that are supervised in training, fine to coarse.

    Gives (B, outputs, i, j[, k]) of the finest map; in training, where several are supervised, a tuple of one for each.
    """

    def __init__(self, channels: Sequence[int], outputs: int, *, axes: int) -> None:
        super().__init__()
        kind = nn.Conv3d if axes == 3 else nn.Conv2d
        self.parts = nn.ModuleList(kind(width, outputs, 1) for width in channels)
        for part in self.parts:
            assert isinstance(part, nn.Conv2d | nn.Conv3d)
            nn.init.normal_(part.weight, std=0.01)
            assert part.bias is not None
            nn.init.zeros_(part.bias)

    def forward(self, maps: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
        """Return raw outputs of the finest map, or in training of all that are supervised."""
        wanted = self.parts if self.training else self.parts[:1]
        raws = tuple(part(one) for part, one in zip(wanted, maps, strict=False))
        return raws if len(raws) > 1 else raws[0]
