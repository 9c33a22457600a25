"""What each code did on the whole: summaries over a case's events, through which gradients flow to each of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from osler.blocks.dense import smooth_clip
from osler.modalities.timelines.network.events import Events

OF_NUMBERS = 10  # last, first, least, largest, mean, sd, slope, and as of others
OF_OTHERS = 3  # that it is there, how recently, how often


class Summaries(nn.Module):
    """(B, F) of the codes that have columns in the classical model (`slot` (V + 1,), -1 for others): numbers by their scores, all
    zero where a code did not occur, so that nothing that happened adds nothing.

    `horizon` and `step` in days set how recently and how fast are counted.
    """

    slot: Tensor

    def __init__(self, slot: Tensor, *, numbers: int, others: int, horizon: float, step: float) -> None:
        super().__init__()
        self.register_buffer("slot", slot, persistent=False)
        self.numbers, self.others = numbers, others
        self.horizon, self.step = horizon, step
        self.width = numbers * OF_NUMBERS + others * OF_OTHERS

    def forward(self, events: Events) -> Tensor:
        """Return (B, F): OF_NUMBERS of each code of numbers, then OF_OTHERS of each other code."""
        slot = self.slot[events.place]
        number = (slot >= 0) & (slot < self.numbers)
        parts = [self._numbers(events.take(number & events.valued), slot[number & events.valued])]
        other = slot >= self.numbers
        parts.append(self._occurred(events.take(other), slot[other] - self.numbers, codes=self.others))
        return torch.cat([part.flatten(1) for part in parts], dim=1)

    def _numbers(self, events: Events, slot: Tensor) -> Tensor:
        """Return (B, numbers, OF_NUMBERS)."""
        pair, pairs = events.case * self.numbers + slot, events.cases * self.numbers
        first, last = _ends(pair, pairs)
        padded = torch.cat([events.value, events.value.new_zeros(1)])
        value, time = events.value, events.time
        count = torch.bincount(pair, minlength=pairs).clamp(min=1).to(value.dtype)
        mean = _sum(value, pair, pairs) / count
        apart = time - (_sum(time, pair, pairs) / count)[pair]
        around = _sum(apart * apart, pair, pairs)
        slope = _sum(apart * value, pair, pairs) / torch.where(around > 0, around, 1.0)
        away = value - mean[pair]
        spread = torch.sqrt(_sum(away * away, pair, pairs) / count + 1e-4) - 1e-2
        ends = [value.new_zeros(pairs).scatter_reduce(0, pair, value, how, include_self=False) for how in ("amin", "amax")]
        whole = smooth_clip(slope * self.horizon)
        found = torch.stack([padded[last], padded[first], *ends, mean, spread, whole], dim=1)
        occurred = self._occurred(events, slot, codes=self.numbers)
        return torch.cat([found.reshape(events.cases, self.numbers, -1), occurred], dim=2)

    def _occurred(self, events: Events, slot: Tensor, *, codes: int) -> Tensor:
        """Return (B, codes, OF_OTHERS)."""
        pair, pairs = events.case * codes + slot, events.cases * codes
        _, last = _ends(pair, pairs)
        here = torch.cat([events.here, events.here.new_zeros(1)])[last]
        since = torch.cat([-events.time, events.time.new_zeros(1)])[last].clamp(min=0)
        scale = torch.log1p(torch.tensor(self.horizon / self.step))
        recent = 1 - torch.log1p(since / self.step) / scale
        often = torch.log1p(_sum(events.here, pair, pairs)) / 2
        return torch.stack([here, here * recent, often], dim=1).reshape(events.cases, codes, OF_OTHERS)


def _sum(values: Tensor, pair: Tensor, pairs: int) -> Tensor:
    return values.new_zeros(pairs).index_add(0, pair, values)


def _ends(pair: Tensor, pairs: int) -> tuple[Tensor, Tensor]:
    """Return which event is the first and which the last of each pair of case and code; the number of events where there is none."""
    at = torch.arange(len(pair), device=pair.device)
    nothing = at.new_full((pairs,), len(pair))
    first = nothing.scatter_reduce(0, pair, at, "amin", include_self=False)
    return first, nothing.scatter_reduce(0, pair, at, "amax", include_self=False)
