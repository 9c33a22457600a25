"""What each code did on the whole: summaries over a case's events, through which gradients flow to each of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from osler.core.state import State
from osler.modalities.timelines.network.events import Events

OF_NUMBERS = ("last", "first", "min", "max", "mean", "late", "sd", "slope", "since", "count")
OF_OTHERS = ("since", "count")
LATE = 0.25  # of the horizon: "late" is the mean over it


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
    """Summaries (B, F) of a case, OF_NUMBERS of each code of numbers and OF_OTHERS of each other one, and how much of what each
    rests on is here (B, F): 0 where a code did not occur, and its summary means nothing. `horizon` days are looked at."""

    slot: Tensor

    def __init__(self, slots: Slots, *, horizon: float) -> None:
        super().__init__()
        self.register_buffer("slot", slots.slot, persistent=False)
        self.numbers, self.others, self.horizon, self.width = slots.numbers, slots.others, horizon, slots.width

    def forward(self, events: Events) -> tuple[Tensor, Tensor]:
        """Return (B, F) and (B, F)."""
        slot = self.slot[events.place]
        number, other = (slot >= 0) & (slot < self.numbers) & events.valued, slot >= self.numbers
        numbers, first = self._numbers(events.take(number), slot[number])
        others, second = _occurred(events.take(other), slot[other] - self.numbers, codes=self.others)
        others, second = others.flatten(1), second.repeat_interleave(len(OF_OTHERS), dim=1)
        return torch.cat([numbers, others], dim=1), torch.cat([first, second], dim=1)

    def _numbers(self, events: Events, slot: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, numbers · OF_NUMBERS), twice."""
        pair, pairs = events.case * self.numbers + slot, events.cases * self.numbers
        value, time = events.value, events.time
        first, last = (_padded(value)[end] for end in _ends(pair, pairs))
        count = torch.bincount(pair, minlength=pairs).clamp(min=1).to(value.dtype)
        mean = _sum(value, pair, pairs) / count
        lately = (time > -LATE * self.horizon).to(value.dtype)
        times = _sum(lately, pair, pairs).clamp(min=1)
        apart = time - (_sum(time, pair, pairs) / count)[pair]
        around = _sum(apart * apart, pair, pairs)
        slope = _sum(apart * value, pair, pairs) / torch.where(around > 0, around, 1.0)
        away = value - mean[pair]
        spread = torch.sqrt(_sum(away * away, pair, pairs) / count + 1e-6) - 1e-3
        least, most = (value.new_zeros(pairs).scatter_reduce(0, pair, value, how, include_self=False) for how in ("amin", "amax"))
        late, late_here = (_sum(part * lately, pair, pairs) / times for part in (value, events.here))
        found = torch.stack([last, first, least, most, mean, late, spread, slope], dim=1)
        occurred, here = _occurred(events, slot, codes=self.numbers)
        shape = (events.cases, self.numbers, len(OF_NUMBERS) - len(OF_OTHERS))
        values = torch.cat([found.reshape(shape), occurred], dim=2)
        known = here[..., None].repeat(1, 1, len(OF_NUMBERS))
        known[..., OF_NUMBERS.index("late")] = late_here.reshape(shape[:2])
        # one value has no spread and no slope
        known[..., [OF_NUMBERS.index("sd"), OF_NUMBERS.index("slope")]] *= (count > 1).reshape(*shape[:2], 1)
        return values.flatten(1), known.flatten(1)


def _occurred(events: Events, slot: Tensor, *, codes: int) -> tuple[Tensor, Tensor]:
    """Return (B, codes, OF_OTHERS) and how much of each code is here (B, codes)."""
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
