"""Attention over a set of tokens."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class AttentionBlock(nn.Module):
    """Pre-norm self-attention and a gated dense layer, (B, T, width) to (B, T, width).

    Vaswani et al. 2017; gates: Shazeer 2020; sizes as in FT-Transformer (Gorishniy et al. 2021).
    """

    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.dense_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.widen = nn.Linear(width, 2 * (4 * width // 3))
        self.narrow = nn.Linear(4 * width // 3, width)
        self.rate = dropout

    def forward(self, x: Tensor, here: Tensor | None = None) -> Tensor:
        """Return (B, T, width); tokens that are not `here` (B, T) bool are seen by none."""
        x = x + self.join(self._attended(self.attention_norm(x), here))
        signal, gate = self.widen(self.dense_norm(x)).chunk(2, dim=-1)
        return x + self.narrow(F.dropout(signal * F.silu(gate), self.rate, self.training))

    def _attended(self, x: Tensor, here: Tensor | None) -> Tensor:
        batch, tokens, width = x.shape
        parts = self.mix(x).view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = torch.unbind(parts)
        rate = self.rate if self.training else 0.0
        mask = None if here is None else here[:, None, None]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=rate)
        return mixed.transpose(1, 2).reshape(batch, tokens, width)
