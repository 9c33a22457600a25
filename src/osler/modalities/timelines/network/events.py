"""Events as floats: each value by where it lies among those of training, and that it is there at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from osler.core.state import State
from osler.modalities.timelines.case import CODES, TIMES, VALUES
from osler.modalities.timelines.gather import OFFSETS

# of a normal distribution at 0.5, 5, 25, 50, 75, 95 and 99.5 %: where the knots of a code's values go
_NORMAL = (-2.576, -1.645, -0.674, 0.0, 0.674, 1.645, 2.576)


@dataclass(frozen=True, slots=True)
class Events:
    """The events of a batch behind one another, `cases` (B) in all: `case` (t,) whose each is, `place` (t,) its code's in the
    vocabulary, V where unknown; `time` (t,) days from the prediction time; `valued` (t,) bool whether it has a value; `value` (t,) scaled, 0
    without; `here` (t,) 1 of an event that is there. Explanations move `value` and `here` from 0 to what they are."""

    cases: int
    case: Tensor
    place: Tensor
    time: Tensor
    valued: Tensor
    value: Tensor
    here: Tensor

    def take(self, which: Tensor) -> Events:
        """Return the events `which` (t,) bool."""
        parts = (self.case, self.place, self.time, self.valued, self.value, self.here)
        return Events(self.cases, *(part[which] for part in parts))


class Lift(nn.Module):
    """From fields to floats (B, E, 2), value and presence, for E events of the longest case, and back to events."""

    codes: Tensor
    knots: Tensor
    told: Tensor
    scores: Tensor
    owner: Tensor

    def __init__(self, state: State) -> None:
        super().__init__()
        self.register_buffer("codes", torch.as_tensor(state.arrays["codes"]), persistent=False)
        knots = torch.as_tensor(state.arrays["knots"]).float()
        self.register_buffer("knots", torch.cat([knots, knots.new_zeros(1, len(_NORMAL))]), persistent=False)
        self.register_buffer("told", self.knots[:, -1] > self.knots[:, 0], persistent=False)
        self.register_buffer("scores", torch.tensor(_NORMAL), persistent=False)
        self.register_buffer("owner", torch.as_tensor(state.arrays["owner"]).long(), persistent=False)

    def places(self, codes: Tensor) -> Tensor:
        """Return each event's place in the vocabulary (t,), V where its code is unknown."""
        count = len(self.codes)
        if not count:
            return torch.zeros_like(codes)
        at = torch.searchsorted(self.codes, codes).clamp(max=count - 1)
        return torch.where(self.codes[at] == codes, at, count)

    def forward(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, E, 2)."""
        values, place = fields[VALUES], self.places(fields[CODES])
        scaled = torch.where(torch.isfinite(values), self._scores(values.nan_to_num(0.0, 0.0, 0.0), place), 0.0)
        case, turn, longest = _turns(fields[OFFSETS])
        out = scaled.new_zeros(len(fields[OFFSETS]) - 1, longest, 2)
        out[case, turn] = torch.stack([scaled, torch.ones_like(scaled)], dim=1)
        return out

    def _scores(self, values: Tensor, place: Tensor) -> Tensor:
        """Return normal scores (t,): where a value lies among those of its code in training, cut off outside the outermost knots;
        0 of a code without numbers."""
        knots, scores = self.knots[place], self.scores
        # which knots lie below a value, and which at or below it: they differ where knots fall together
        below, upto = ((values[:, None] > knots).sum(1), (values[:, None] >= knots).sum(1))
        after, before = below.clamp(max=len(scores) - 1), (upto - 1).clamp(min=0)
        high, low = (knots.gather(1, at[:, None])[:, 0] for at in (after, before))
        inside = upto == below
        share = ((values - low) / torch.where(high > low, high - low, 1.0)).clamp(0, 1)
        between = scores[before] + share * (scores[after] - scores[before])
        # on knots that fall together a value takes the middle of their scores
        found = torch.where(inside, between, (scores[after] + scores[before]) / 2)
        return torch.where(self.told[place], found, 0.0)

    def owners(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, E, 2) the explained feature of each lifted float; of the padding, the last."""
        case, turn, longest = _turns(fields[OFFSETS])
        out = self.owner[-1:].repeat(len(fields[OFFSETS]) - 1, longest, 2)
        out[case, turn] = self.owner[self.places(fields[CODES])][:, None].expand(-1, 2)
        return out

    def events(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Events:
        """Return the events of lifted floats (B, E, 2)."""
        case, turn, _ = _turns(fields[OFFSETS])
        floats = lifted[case, turn]
        time = fields[TIMES].nan_to_num(0.0)
        return Events(
            len(lifted), case, self.places(fields[CODES]), time, torch.isfinite(fields[VALUES]), floats[:, 0], floats[:, 1]
        )


def _turns(offsets: Tensor) -> tuple[Tensor, Tensor, int]:
    """Return of each event its case and its turn in it, and how many the longest case has."""
    lengths = offsets.diff()
    case = torch.repeat_interleave(torch.arange(len(lengths), device=offsets.device), lengths)
    turn = torch.arange(len(case), device=offsets.device) - offsets[:-1][case]
    return case, turn, int(lengths.max()) if len(lengths) else 0
