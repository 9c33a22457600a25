"""From numbers and categories to vectors of floats."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PiecewiseLinear(nn.Module):
    """Encodes each number by how far it has come through each of its column's bins.

    Takes (B, p), gives (B, p, b): 1 for bins below the value, 0 for bins above it, a share inside its own bin; missing
    values give zeros. The outer bins go on beyond the outermost edges. `edges` (p, b + 1) ascending, padded with NaN.

    Gorishniy et al. 2022, On Embeddings for Numerical Features.
    """

    real: Tensor
    lower: Tensor
    width: Tensor
    first: Tensor
    last: Tensor

    def __init__(self, edges: Tensor) -> None:
        super().__init__()
        width = torch.diff(edges, dim=1)
        real = torch.isfinite(width) & (width > 0)
        order = torch.arange(width.shape[1])
        self.bins = width.shape[1]
        ends = torch.where(real, order, -1).max(1, keepdim=True).values if self.bins else order[None, :0]
        starts = torch.where(real, order, self.bins).min(1, keepdim=True).values if self.bins else order[None, :0]
        self.register_buffer("real", real, persistent=False)
        self.register_buffer("lower", torch.where(real, edges[:, :-1], 0.0), persistent=False)
        self.register_buffer("width", torch.where(real, width, 1.0), persistent=False)
        self.register_buffer("first", real & (order == starts), persistent=False)
        self.register_buffer("last", real & (order == ends), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, p, b)."""
        share = (x[..., None] - self.lower) / self.width
        # Beyond the training range the encoding keeps moving, but no further than one more bin.
        low = torch.where(self.first, -1.0, 0.0)
        high = torch.where(self.last, 2.0, 1.0)
        share = torch.minimum(torch.maximum(share, low), high)
        return torch.where(self.real & torch.isfinite(x)[..., None], share, 0.0)


class Periodic(nn.Module):
    """Embeds each number by learned waves: W · cos(2π (f x + c)), per column (B, p) to (B, p, size).

    Periodic, bias, linear: Holzmüller et al. 2024 (RealMLP), after Gorishniy et al. 2022. `spread` is the deviation of the
    first frequencies: low ones, so that the embedding starts smooth.
    """

    def __init__(self, columns: int, *, size: int, waves: int = 16, spread: float = 0.1) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.randn(columns, waves) * spread)
        self.shift = nn.Parameter(torch.rand(columns, waves) * 2 - 1)
        self.mix = nn.Parameter(torch.randn(columns, waves, size) / math.sqrt(waves))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, p, size)."""
        waves = torch.cos(2 * math.pi * (x[..., None] * self.frequency + self.shift))
        return torch.einsum("bpw,pws->bps", waves, self.mix)


class Vocabularies(nn.Module):
    """Looks hashed categories up in the vocabularies of q columns, without a loop over columns, and embeds them.

    `words` holds per column its known hashes, ascending int64. Hash 0 is a missing value. Rows of the table: first one per
    column for unknown words (zeros, and so neutral until training meets rare words), then one per column for missing, then
    the words of all columns.
    """

    known: Tensor
    pairs: Tensor

    def __init__(self, words: Sequence[Tensor], *, size: int) -> None:
        super().__init__()
        self.columns = len(words)
        known = torch.unique(torch.cat([torch.as_tensor(w, dtype=torch.int64) for w in words] or [torch.empty(0).long()]))
        pairs = [j * (len(known) + 1) + torch.searchsorted(known, w) for j, w in enumerate(words)]
        self.register_buffer("known", known, persistent=False)
        self.register_buffer("pairs", torch.cat(pairs or [torch.empty(0).long()]), persistent=False)
        self.table = nn.Parameter(torch.randn(2 * self.columns + len(self.pairs), size) / math.sqrt(max(size, 1)))
        with torch.no_grad():
            self.table[: self.columns] = 0.0

    def rows(self, hashes: Tensor) -> Tensor:
        """Return the rows of the table (B, q) for hashes (B, q)."""
        column = torch.arange(self.columns, device=hashes.device)
        unknown = column.expand_as(hashes)
        found = unknown
        if len(self.pairs):
            place = torch.searchsorted(self.known, hashes.contiguous()).clamp(max=len(self.known) - 1)
            pair = column * (len(self.known) + 1) + place
            at = torch.searchsorted(self.pairs, pair).clamp(max=len(self.pairs) - 1)
            same = (self.known[place] == hashes) & (self.pairs[at] == pair)
            found = torch.where(same, at + 2 * self.columns, unknown)
        return torch.where(hashes == 0, column + self.columns, found)

    def forward(self, hashes: Tensor) -> Tensor:
        """Return (B, q, size)."""
        return self.table[self.rows(hashes)]
