"""Events put together into steps of time, and networks that walk through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from osler.blocks.recurrent import DecayedGRU, Packing, Recurrent
from osler.modalities.timelines.network.events import Events

FEW = 256  # codes that are summed up one beside another
CLOCKS = 3  # floats that tell when a step is


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a batch behind one another: `events` of them alone, `of` (t,) each event's step, `case` (s,), `time` (s,) of the
    latest event in days, `gap` (s,) days since the step before, `first` (s,) where the step's case begins, `lengths` (B,)."""

    events: Events
    of: Tensor
    case: Tensor
    time: Tensor
    gap: Tensor
    first: Tensor
    lengths: Tensor

    def __len__(self) -> int:
        return len(self.case)

    @property
    def here(self) -> Tensor:
        """How much of each step's events is there (s,): 1, or less on the way of an explanation."""
        count = torch.bincount(self.of, minlength=len(self))
        return self.events.here.new_zeros(len(self)).index_add(0, self.of, self.events.here) / count

    @classmethod
    def cut(cls, events: Events, *, size: float, most: int) -> Steps:
        """Return the last `most` steps of each case: events of which no bin of `size` days, counted back from the prediction time,
        lies between. A bin without an event is no step."""
        at = torch.ceil(events.time / size)  # a bin ends at the prediction time
        fresh = torch.ones_like(events.case, dtype=torch.bool)
        fresh[1:] = (events.case[1:] != events.case[:-1]) | (at[1:] != at[:-1])
        of = fresh.cumsum(0) - 1
        case = events.case[fresh]
        counts = torch.bincount(case, minlength=events.cases)
        late = torch.arange(len(case), device=case.device) >= (counts.cumsum(0) - most)[case]
        if not bool(late.all()):
            return cls.cut(events.take(late[of]), size=size, most=most)
        last = torch.cat([fresh[1:], fresh.new_ones(1)])
        time = events.time[last]
        starts = counts.cumsum(0) - counts
        gap = torch.diff(time, prepend=time[:1])
        gap[starts[counts > 0]] = 0
        return cls(events, of, case, time, gap, starts[case], counts)


class Clock(nn.Module):
    """When a step is, (s, CLOCKS): days before the prediction time and since the step before, on a scale of logarithms."""

    def __init__(self, *, horizon: float, step: float) -> None:
        super().__init__()
        self.horizon, self.step = horizon, step

    def forward(self, time: Tensor, gap: Tensor) -> Tensor:
        """Return (s, CLOCKS)."""
        scale = torch.log1p(time.new_tensor(self.horizon / self.step))
        before, since = (torch.log1p(days.clamp(min=0) / self.step) / scale for days in (-time, gap))
        return torch.stack([before, since, (1 + time / self.horizon).clamp(0, 1)], dim=1)


class Embedding(nn.Module):
    """A vector of an event: that its code occurred, and its value along a direction of the code's own; (t, width).

    A code that is not in the vocabulary has the last row, neutral until training meets one.
    """

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.occurred = nn.Parameter(torch.randn(codes + 1, width) * width**-0.5)
        self.valued = nn.Parameter(torch.randn(codes + 1, width) * width**-0.5)
        with torch.no_grad():
            self.occurred[-1], self.valued[-1] = 0.0, 0.0

    def forward(self, events: Events) -> Tensor:
        """Return (t, width)."""
        # F.embedding: its gradient is several times faster than that of an index
        occurred, valued = (F.embedding(events.place, table) for table in (self.occurred, self.valued))
        return events.here[:, None] * occurred + events.score[:, None] * valued

    def summed(self, steps: Steps) -> Tensor:
        """Return (s, width): the sum over each step's events."""
        pairs = ((self.occurred, steps.events.here), (self.valued, steps.events.score))
        codes = len(self.occurred)
        if codes <= FEW:
            # a count and a sum of each code in each step: training steps of 36 ms instead of 43 with bags (docs/lab.md)
            pair = steps.of * codes + steps.events.place
            first, second = (
                weights.new_zeros(len(steps) * codes).index_add(0, pair, weights).view(-1, codes) @ table
                for table, weights in pairs
            )
            return first + second
        starts = torch.searchsorted(steps.of, torch.arange(len(steps), device=steps.of.device))
        first, second = (
            F.embedding_bag(steps.events.place, table, starts, mode="sum", per_sample_weights=weights) for table, weights in pairs
        )
        return first + second


class Walk(nn.Module):
    """A recurrent network over steps: events to (B, width). Its vector is the last state beside the mean of all."""

    def __init__(self, *, plan: Mapping[str, Any], codes: int, numbers: Tensor, horizon: float, step: float) -> None:
        super().__init__()
        inner = int(plan["sequence_width"])
        self.size, self.most, self.kind = float(plan["bin"]), int(plan["steps"]), str(plan["architecture"])
        self.width, self.rate = 2 * inner, float(plan["sequence_dropout"])
        self.embedding, self.clock = Embedding(codes, inner), Clock(horizon=horizon, step=step)
        self.when = nn.Linear(CLOCKS, inner)
        if self.kind == "gru-d":
            self.measured: nn.Module | None = Measured(numbers, step=step)
            self.decayed = DecayedGRU(int(numbers.max()) + 1 if len(numbers) else 0, inner, inner)
        else:
            self.layers = Recurrent(self.kind, inner, inner, depth=int(plan["sequence_depth"]))

    def forward(self, events: Events) -> Tensor:
        """Return (B, width)."""
        steps = Steps.cut(events, size=self.size, most=self.most)
        inputs = self.embedding.summed(steps)
        # a step whose events fade (in an explanation) loses its time too: nothing that happened says nothing
        inputs = F.silu(inputs + self.when(self.clock(steps.time, steps.gap)) * steps.here[:, None])
        inputs = F.dropout(inputs, self.rate, self.training)
        if self.kind == "gru-d":
            assert isinstance(self.measured, Measured)
            states = self.decayed(**self.measured(steps), more=inputs, packing=Packing.of(steps.lengths))
        else:
            states = self.layers(inputs, steps.lengths)
        last = states[steps.lengths.cumsum(0) - 1]
        mean = states.new_zeros(len(steps.lengths), states.shape[1]).index_add(0, steps.case, states) / steps.lengths[:, None]
        return torch.cat([last, mean], dim=1)


class Measured(nn.Module):
    """What a GRU-D sees of steps: the codes of numbers as variables (`numbers` (V + 1,), -1 of other codes)."""

    numbers: Tensor

    def __init__(self, numbers: Tensor, *, step: float) -> None:
        super().__init__()
        self.register_buffer("numbers", numbers, persistent=False)
        self.step = step

    def forward(self, steps: Steps) -> dict[str, Tensor]:
        """Return the values, masks, last values (s, p), waits (s, p) and gaps (s,) of `DecayedGRU`; times in steps."""
        variables = int(self.numbers.max()) + 1 if len(self.numbers) else 0
        slot = self.numbers[steps.events.place]
        some = (slot >= 0) & steps.events.valued
        pair = steps.of[some] * variables + slot[some]
        shape = (len(steps), variables)
        zeros = steps.events.value.new_zeros(len(steps) * variables)
        count = zeros.index_add(0, pair, torch.ones_like(steps.events.score[some])).clamp(min=1)
        seen = (zeros.index_add(0, pair, steps.events.score[some]) / count).reshape(shape)
        mask = (zeros.index_add(0, pair, steps.events.here[some]) / count).reshape(shape)
        at = torch.arange(len(steps), device=pair.device)[:, None]
        there = zeros.index_fill(0, pair, 1.0).reshape(shape) > 0
        upto = torch.where(there, at, -1).cummax(0).values
        before = torch.cat([upto.new_full((1, variables), -1), upto[:-1]])
        known = before >= steps.first[:, None]
        before = torch.where(known, before, 0)
        last = torch.where(known, seen.gather(0, before), 0.0)
        since = torch.where(known, steps.time[before], steps.time[steps.first][:, None])
        waited = (steps.time[:, None] - since) / self.step
        return {
            "seen": seen,
            "mask": mask,
            "last": last,
            "waited": torch.log1p(waited),
            "gap": torch.log1p(steps.gap / self.step),
        }
