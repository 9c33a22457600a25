"""What each code did on the whole: summaries over a case's events, through which gradients flow to each of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from osler.core.state import State
from osler.modalities.timelines.network.events import Events

OF_NUMBERS = ("last", "first", "min", "max", "mean", "late", "sd", "slope", "since", "count")
OF_OTHERS = ("since", "count")
LATE = 0.25  # of the horizon: "late" is the mean over it, of a code without events in it the last value


@dataclass(frozen=True, slots=True)
class Slots:
    """Which codes have summaries: `slot` (V + 1,) their places, codes of `numbers` first, then `others`; -1 of codes without."""

    slot: Tensor
    numbers: int
    others: int

    @classmethod
    def of(cls, state: State) -> Slots:
        """Return those that have columns in the classical model."""
        told = torch.as_tensor(state.arrays["series"]).long() > 0
        numeric = torch.as_tensor(state.arrays["numeric"]).bool()
        slot = torch.full((len(told) + 1,), -1)
        numbers, others = told & numeric, told & ~numeric
        slot[:-1][numbers] = torch.arange(int(numbers.sum()))
        slot[:-1][others] = int(numbers.sum()) + torch.arange(int(others.sum()))
        return cls(slot, int(numbers.sum()), int(others.sum()))

    @property
    def width(self) -> int:
        """The number of summaries of a case."""
        return self.numbers * len(OF_NUMBERS) + self.others * len(OF_OTHERS)

    @property
    def codes(self) -> int:
        """The number of codes with summaries."""
        return self.numbers + self.others


class Summaries(nn.Module):
    """Summaries (B, F) of a case, OF_NUMBERS of each code of numbers and OF_OTHERS of each other one, and how much of each code is
    here (B, codes): 0 of a code that did not occur, whose summaries mean nothing. `horizon` days are looked at."""

    slot: Tensor

    def __init__(self, slots: Slots, *, horizon: float) -> None:
        super().__init__()
        self.register_buffer("slot", slots.slot, persistent=False)
        self.numbers, self.others, self.horizon, self.width = slots.numbers, slots.others, horizon, slots.width

    def forward(self, events: Events) -> tuple[Tensor, Tensor]:
        """Return (B, F) and (B, codes)."""
        slot = self.slot[events.place]
        number, other = (slot >= 0) & (slot < self.numbers) & events.valued, slot >= self.numbers
        numbers, first = self._numbers(events.take(number), slot[number])
        others, second = _occurred(events.take(other), slot[other] - self.numbers, codes=self.others)
        return torch.cat([numbers.flatten(1), others.flatten(1)], dim=1), torch.cat([first, second], dim=1)

    def each(self, values: Tensor) -> Tensor:
        """Return (B, F) what stands in (B, codes) for each summary of a code."""
        numbers, others = values.split([self.numbers, self.others], dim=1)
        parts = (numbers.repeat_interleave(len(OF_NUMBERS), dim=1), others.repeat_interleave(len(OF_OTHERS), dim=1))
        return torch.cat(parts, dim=1)

    def _numbers(self, events: Events, slot: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, numbers, OF_NUMBERS) and (B, numbers)."""
        pair, pairs = events.case * self.numbers + slot, events.cases * self.numbers
        value, time = events.value, events.time
        first, last = (_padded(value)[end] for end in _ends(pair, pairs))
        count = torch.bincount(pair, minlength=pairs).clamp(min=1).to(value.dtype)
        mean = _sum(value, pair, pairs) / count
        lately = (time > -LATE * self.horizon).to(value.dtype)
        times = _sum(lately, pair, pairs)
        late = torch.where(times > 0, _sum(value * lately, pair, pairs) / times.clamp(min=1), last)
        apart = time - (_sum(time, pair, pairs) / count)[pair]
        around = _sum(apart * apart, pair, pairs)
        slope = _sum(apart * value, pair, pairs) / torch.where(around > 0, around, 1.0)
        away = value - mean[pair]
        spread = torch.sqrt(_sum(away * away, pair, pairs) / count + 1e-6) - 1e-3
        least, most = (value.new_zeros(pairs).scatter_reduce(0, pair, value, how, include_self=False) for how in ("amin", "amax"))
        found = torch.stack([last, first, least, most, mean, late, spread, slope], dim=1)
        occurred, here = _occurred(events, slot, codes=self.numbers)
        return torch.cat([found.reshape(events.cases, self.numbers, found.shape[1]), occurred], dim=2), here


def _occurred(events: Events, slot: Tensor, *, codes: int) -> tuple[Tensor, Tensor]:
    """Return (B, codes, OF_OTHERS) and (B, codes)."""
    pair, pairs = events.case * codes + slot, events.cases * codes
    _, last = _ends(pair, pairs)
    count = _sum(events.here, pair, pairs)
    here = count / torch.bincount(pair, minlength=pairs).clamp(min=1)
    found = torch.stack([_padded(-events.time)[last], count], dim=1)
    return found.reshape(events.cases, codes, len(OF_OTHERS)), here.reshape(events.cases, codes)


def _padded(values: Tensor) -> Tensor:
    return torch.cat([values, values.new_zeros(1)])


def _sum(values: Tensor, pair: Tensor, pairs: int) -> Tensor:
    return values.new_zeros(pairs).index_add(0, pair, values)


def _ends(pair: Tensor, pairs: int) -> tuple[Tensor, Tensor]:
    """Return which event is the first and which the last of each pair of case and code; the number of events where there is none."""
    at = torch.arange(len(pair), device=pair.device)
    nothing = at.new_full((pairs,), len(pair))
    first = nothing.scatter_reduce(0, pair, at, "amin", include_self=False)
    return first, nothing.scatter_reduce(0, pair, at, "amax", include_self=False)
