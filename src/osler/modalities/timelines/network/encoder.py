"""The encoder: summaries of each code through a dense network, and a network that goes through the events in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from osler.blocks.dense import EnsembleLinear, ResidualBlock
from osler.contract import Encoded
from osler.core.errors import PlanError
from osler.core.state import State
from osler.modalities.timelines.fit.spread import QUANTILES
from osler.modalities.timelines.network.events import Events, Lift
from osler.modalities.timelines.network.scores import Scores
from osler.modalities.timelines.network.steps import Walk
from osler.modalities.timelines.network.summaries import OF_NUMBERS, OF_OTHERS, Slots, Summaries
from osler.modalities.timelines.network.tokens import Attention

EVEN = 1.7  # scores of summaries lie evenly between minus this and this: their deviation is about 1


class TimelineEncoder(nn.Module):
    """Encodes timelines: `lift` turns fields into floats (B, E, 2), value and presence of each event, `forward` these into vectors
    (B, K, width). Zeros mean that nothing happened; `owners` tells the explained feature of each float.

    Two ways lead through it, each of which the plan may leave out: `Summaries` into a network that carries K models, and
    the events one after another into a recurrent network or a Transformer. There is no normalisation over the batch.
    """

    ragged = True  # what is lifted differs in shape between cases

    def __init__(self, *, plan: Mapping[str, Any], state: State) -> None:
        super().__init__()
        self.channels: tuple[int, ...] = ()
        self.lifting = Lift(state)
        horizon, step = _times(state)
        self.dense = Dense(plan=plan, state=state) if plan["summaries"] else None
        codes, slots = len(state.arrays["codes"]), Slots.of(state)
        variables = torch.where(slots.slot < slots.numbers, slots.slot, -1)
        self.sequence: Walk | Attention | None = None
        if plan["architecture"] == "transformer":
            self.sequence = Attention(plan=plan, codes=codes, horizon=horizon, step=step)
        elif plan["architecture"] != "none":
            self.sequence = Walk(plan=plan, codes=codes, numbers=variables, horizon=horizon, step=step)
        parts = [part for part in (self.dense, self.sequence) if part is not None]
        if not parts:
            raise PlanError("nothing would see the events: 'summaries' is off and 'architecture' is 'none'; set one of the two")
        self.dropout = nn.Dropout(float(plan["dropout"]))
        self.width = sum(int(part.width) for part in parts)

    def lift(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, E, 2) floats, on which gradients and attributions make sense."""
        lifted: Tensor = self.lifting(fields)
        return lifted

    def owners(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, E, 2) the explained feature of each lifted float."""
        return self.lifting.owners(fields)

    def forward(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Encoded:
        """Return the vectors (B, K, width)."""
        events = self.lifting.events(lifted, fields)
        parts = [] if self.dense is None else [self.dense(events)]
        if self.sequence is not None:
            vector = self.dropout(self.sequence(events))[:, None]
            parts.append(vector if not parts else vector.expand(-1, parts[0].shape[1], -1))
        return Encoded(torch.cat(parts, dim=2))


class Dense(nn.Module):
    """Summaries by their scores into a residual network that carries K models, (B, K, width) (Gorishniy et al. 2024, TabM).

    A code that did not occur adds nothing but that.
    """

    def __init__(self, *, plan: Mapping[str, Any], state: State) -> None:
        super().__init__()
        self.summaries, self.width = summarised(state), int(plan["width"])
        knots = torch.as_tensor(state.arrays["spread"])
        self.scores = Scores(knots, torch.tensor([EVEN * (2 * level - 1) for level in QUANTILES]))
        self.register_buffer("usual", _shares(state, Slots.of(state)), persistent=False)
        self.rate, members = float(plan["drop_summaries"]), int(plan["members"])
        self.first = EnsembleLinear(2 * self.summaries.width, self.width, members=members)
        blocks = [ResidualBlock(self.width, members=members, dropout=float(plan["dropout"])) for _ in range(int(plan["depth"]))]
        self.blocks = nn.ModuleList(blocks)

    usual: Tensor

    def forward(self, events: Events) -> Tensor:
        """Return (B, K, width)."""
        values, here = self.summaries(events)
        told = self.scores(values) * here
        x = self.first(F.dropout(torch.cat([told, here - self.usual], dim=1), self.rate, self.training))
        for block in self.blocks:
            x = block(x)
        vectors: Tensor = x
        return vectors


def _shares(state: State, slots: Slots) -> Tensor:
    """Return for each summary (F,) the share of the training cases that have its code."""
    share = torch.as_tensor(state.arrays["share"]).float()
    own = torch.zeros(slots.codes)
    some = slots.slot[:-1] >= 0
    own[slots.slot[:-1][some]] = share[some]
    numbers, others = own.split([slots.numbers, slots.others])
    return torch.cat([numbers.repeat_interleave(len(OF_NUMBERS)), others.repeat_interleave(len(OF_OTHERS))])


def summarised(state: State) -> Summaries:
    """Return the module that sums the events of each code up."""
    return Summaries(Slots.of(state), horizon=_times(state)[0])


def _times(state: State) -> tuple[float, float]:
    """Return how far back events reach and how far apart they are, in days."""
    step = max(float(state.arrays["step"]), 1e-4)
    return max(float(state.arrays["horizon"]), 2 * step), step
