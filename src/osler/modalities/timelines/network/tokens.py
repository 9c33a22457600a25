"""Events as tokens, and attention between them that knows when each was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from osler.blocks.attention import AttentionBlock
from osler.modalities.timelines.network.events import Events
from osler.modalities.timelines.network.steps import Clock, Embedding

WAVES = 8  # of the time, from the whole horizon to single steps


class Attention(nn.Module):
    """A Transformer (Vaswani et al. 2017) over the latest events of a case: (B, width). Its vector is what a first token gathers.

    A token's place is its time: waves of the time before the prediction, from the horizon down to a step, in the way of continuous
    values as tokens (Tipirneni and Reddy 2022, STraTS).
    """

    def __init__(self, *, plan: Mapping[str, Any], codes: int, horizon: float, step: float) -> None:
        super().__init__()
        width = int(plan["sequence_width"])
        self.most, self.width = int(plan["tokens"]), width
        self.embedding, self.clock = Embedding(codes, width), Clock(horizon=horizon, step=step)
        periods = torch.logspace(0, 1, WAVES, base=max(step / horizon, 1e-6)) * 4 * horizon
        self.register_buffer("speed", 2 * torch.pi / periods, persistent=False)
        self.when = nn.Linear(2 * WAVES + 3, width)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        heads = max(h for h in (1, 2, 4, 8) if width % h == 0)
        rate = float(plan["sequence_dropout"])
        self.blocks = nn.ModuleList(AttentionBlock(width, heads=heads, dropout=rate) for _ in range(int(plan["sequence_depth"])))
        self.norm = nn.LayerNorm(width)

    def forward(self, events: Events) -> Tensor:
        """Return (B, width)."""
        lengths = torch.bincount(events.case, minlength=events.cases)
        turn = torch.arange(len(events.case), device=events.case.device) - (lengths.cumsum(0) - lengths)[events.case]
        late = turn >= lengths[events.case] - self.most
        events, turn = events.take(late), (turn - (lengths - self.most).clamp(min=0)[events.case])[late]
        tokens = self.embedding(events) + self.when(self._times(events)) * events.here[:, None]
        longest = int(turn.max()) + 1 if len(turn) else 0
        x = tokens.new_zeros(events.cases, longest + 1, self.width)
        x[events.case, turn + 1] = tokens
        x[:, :1] = self.first
        here = torch.zeros(events.cases, longest + 1, dtype=torch.bool, device=x.device)
        here[events.case, turn + 1] = True
        here[:, 0] = True
        for block in self.blocks:
            x = block(x, here)
        gathered: Tensor = self.norm(x[:, 0])
        return gathered

    def _times(self, events: Events) -> Tensor:
        waves = events.time[:, None] * self.speed
        return torch.cat([waves.sin(), waves.cos(), self.clock(events.time, torch.zeros_like(events.time))], dim=1)
