"""Events as floats: each value in the scale of its code, and that it is there at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from osler.core.state import State
from osler.modalities.timelines.case import CODES, TIMES, VALUES
from osler.modalities.timelines.gather import OFFSETS
from osler.modalities.timelines.network.scores import Scores

# of a normal distribution at 0.5, 5, 25, 50, 75, 95 and 99.5 %: the scores of the knots of a code's values
FAR = 1e4  # robust deviations from the median
NORMAL = (-2.576, -1.645, -0.674, 0.0, 0.674, 1.645, 2.576)


@dataclass(frozen=True, slots=True)
class Events:
    """The events of a batch behind one another, `cases` (B) in all: `case` (t,) whose each is, `place` (t,) its code's in the
    vocabulary, V where unknown; `time` (t,) days from the prediction time; `valued` (t,) bool whether it has a value; `value` (t,) in the scale
    of its code, 0 without, `score` (t,) by where it lies in training; `here` (t,) 1 of an event that is there. Explanations move
    `value` and `here` from 0 to what they are, and `score` goes along."""

    cases: int
    case: Tensor
    place: Tensor
    time: Tensor
    valued: Tensor
    value: Tensor
    score: Tensor
    here: Tensor

    def take(self, which: Tensor) -> Events:
        """Return the events `which` (t,) bool."""
        parts = (self.case, self.place, self.time, self.valued, self.value, self.score, self.here)
        return Events(self.cases, *(part[which] for part in parts))


class Lift(nn.Module):
    """From fields to floats (B, E, 2), value and presence, for E events of the longest case, and back to events.

    A value is told from the median of its code in robust deviations, and cut off where it cannot be: not nearer, as the least and
    the largest value of a case lie where few events do, and say much (docs/lab.md).
    """

    codes: Tensor
    center: Tensor
    scale: Tensor
    owner: Tensor

    def __init__(self, state: State) -> None:
        super().__init__()
        knots = torch.as_tensor(state.arrays["knots"]).float()
        scaled = ((knots - _column(state, "center")) / _column(state, "scale")).clamp(-FAR, FAR)  # as values are
        none = knots.new_zeros(1, knots.shape[1])
        self.scores = Scores(torch.cat([scaled, none]), torch.tensor(NORMAL))
        self.register_buffer("codes", torch.as_tensor(state.arrays["codes"]), persistent=False)
        self.register_buffer("center", torch.cat([_column(state, "center"), none[:, :1]])[:, 0], persistent=False)
        self.register_buffer("scale", torch.cat([_column(state, "scale"), none[:, :1] + 1])[:, 0], persistent=False)
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
        scaled = ((values.nan_to_num(0.0, 0.0, 0.0) - self.center[place]) / self.scale[place]).clamp(-FAR, FAR)
        scaled = torch.where(self._valued(values, place), scaled, 0.0)
        case, turn, longest = _turns(fields[OFFSETS])
        out = scaled.new_zeros(len(fields[OFFSETS]) - 1, longest, 2)
        out[case, turn] = torch.stack([scaled, torch.ones_like(scaled)], dim=1)
        return out

    def _valued(self, values: Tensor, place: Tensor) -> Tensor:
        # of a code whose value is always the same (a ventilator is on) too: when and how often it came is told
        return torch.isfinite(values) & (place < len(self.codes))

    def owners(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, E, 2) the explained feature of each lifted float; of the padding, the last."""
        case, turn, longest = _turns(fields[OFFSETS])
        out = self.owner[-1:].repeat(len(fields[OFFSETS]) - 1, longest, 2)
        out[case, turn] = self.owner[self.places(fields[CODES])][:, None].expand(-1, 2)
        return out

    def events(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Events:
        """Return the events of lifted floats (B, E, 2)."""
        case, turn, _ = _turns(fields[OFFSETS])
        value, here = lifted[case, turn].unbind(1)
        place, time = self.places(fields[CODES]), fields[TIMES].nan_to_num(0.0)
        valued = self._valued(fields[VALUES], place)
        score = torch.where(valued, self.scores(value, place), 0.0)
        return Events(len(lifted), case, place, time, valued, value, score, here)


def _column(state: State, name: str) -> Tensor:
    return torch.as_tensor(state.arrays[name]).float()[:, None]


def _turns(offsets: Tensor) -> tuple[Tensor, Tensor, int]:
    """Return of each event its case and its turn in it, and how many the longest case has."""
    lengths = offsets.diff()
    case = torch.repeat_interleave(torch.arange(len(lengths), device=offsets.device), lengths)
    turn = torch.arange(len(case), device=offsets.device) - offsets[:-1][case]
    return case, turn, int(lengths.max()) if len(lengths) else 0
