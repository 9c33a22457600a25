"""Layers over sequences of differing length, (B, C, L) with a mask (B, L) of what is there; None where all of it is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

OUTSIDE = -1e4  # below any activation that is there, and a number in half precision


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return `x` with zeros behind the ends."""
    return x if mask is None else x * mask[:, None].to(x.dtype)


class SequenceNorm(nn.BatchNorm1d):
    """Batch normalisation (Ioffe & Szegedy 2015) whose statistics see nothing behind the ends."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return (B, C, L), zeros behind the ends."""
        if mask is None:
            plain: Tensor = super().forward(x)
            return plain
        lines = x.transpose(1, 2)
        out = torch.zeros_like(lines)
        out[mask] = super().forward(lines[mask]).to(out.dtype)
        return out.transpose(1, 2)


class Scan(nn.Module):
    """The first layer: wide filters, each as long as a motif, then the larger of every `pool` neighbours; (B, in, L) to (B, C, L / pool)."""

    def __init__(self, inputs: int, channels: int, *, kernel: int, pool: int) -> None:
        super().__init__()
        self.filters = nn.Conv1d(inputs, channels, kernel, padding=kernel // 2, bias=False)
        self.norm = SequenceNorm(channels)
        self.pool = pool

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the maps, and the mask of what is left."""
        x = F.gelu(self.norm(self.filters(x), mask))
        if self.pool == 1:
            return masked(x, mask), mask
        if mask is None:
            return F.max_pool1d(x, self.pool, ceil_mode=True), None
        x = x.masked_fill(~mask[:, None], OUTSIDE)
        left = mask[:, :: self.pool]  # a place that holds a single letter is there
        return masked(F.max_pool1d(x, self.pool, ceil_mode=True), left), left


class DilatedBlock(nn.Module):
    """x + mix(dilated(x)): a convolution whose filter is spread by `dilation`, then one of width 1 (Kelley et al. 2018, Basenji); both
    behind normalisation and GELU (He et al. 2016). It starts as the identity."""

    def __init__(self, channels: int, *, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second = SequenceNorm(channels), SequenceNorm(channels)
        padding = kernel // 2 * dilation
        self.spread = nn.Conv1d(channels, channels, kernel, padding=padding, dilation=dilation, bias=False)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return (B, C, L)."""
        inner = self.spread(masked(F.gelu(self.first(x, mask)), mask))
        inner = self.mix(self.dropout(F.gelu(self.second(inner, mask))))
        return x + masked(inner, mask)


class BothWays(nn.Module):
    """A bidirectional LSTM (Graves & Schmidhuber 2005) over the maps, (B, C, L) to (B, C, L)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, channels // 2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return the states of both directions at each place."""
        lines = x.transpose(1, 2)
        if mask is None:
            found: Tensor = self.lstm(lines)[0]
            return found.transpose(1, 2)
        packed = pack_padded_sequence(lines, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=x.shape[2])
        return masked(states.transpose(1, 2), mask)


def pooled(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return (B, 2 C): mean and maximum of each channel over what is there."""
    if mask is None:
        return torch.cat([x.mean(2), x.amax(2)], dim=1)
    mean = masked(x, mask).sum(2) / mask.sum(1, keepdim=True).clamp(min=1).to(x.dtype)
    return torch.cat([mean, x.masked_fill(~mask[:, None], OUTSIDE).amax(2)], dim=1)


def binned(x: Tensor, mask: Tensor | None, *, bins: int) -> Tensor:
    """Return (B, C, bins): means over equal parts of each sequence's own length, zeros of a part without a place."""
    size = x.shape[2]
    place = torch.arange(size, device=x.device)
    lengths = torch.full((len(x),), size, device=x.device) if mask is None else mask.sum(1)
    part = place * bins // lengths.clamp(min=1)[:, None]
    weight = F.one_hot(part.clamp(max=bins - 1), bins).to(x.dtype)
    weight = weight if mask is None else weight * mask[..., None].to(x.dtype)
    return torch.bmm(x, weight / weight.sum(1, keepdim=True).clamp(min=1))
