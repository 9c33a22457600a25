"""Recurrence over sequences of differing length that stand behind one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

PADDED = 3  # times the steps that there are: more is not padded


@dataclass(frozen=True, slots=True)
class Packing:
    """How B sequences that stand behind one another (total, …) are told step by step: `order` (total,) the lines of step 0 of all,
    then of step 1, …, longest sequences first; `sizes` (steps,) on the processor how many sequences have each step; `rank` (B,) where
    each sequence stands by length."""

    order: Tensor
    sizes: Tensor
    rank: Tensor

    @classmethod
    def of(cls, lengths: Tensor) -> Packing:
        """Return the packing of sequences with `lengths` (B,), each at least 1."""
        longest = torch.argsort(lengths, descending=True, stable=True)
        rank = torch.empty_like(longest)
        rank[longest] = torch.arange(len(lengths), device=lengths.device)
        starts = lengths.cumsum(0) - lengths
        which = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)
        step = torch.arange(len(which), device=lengths.device) - starts[which]
        order = torch.argsort(step * len(lengths) + rank[which])
        return cls(order, torch.bincount(step).cpu(), rank)

    def packed(self, values: Tensor) -> PackedSequence:
        """Return `values` (total, width) step by step."""
        return PackedSequence(values[self.order], self.sizes)

    def unpacked(self, values: Tensor) -> Tensor:
        """Return step by step values (total, width) as the sequences stand behind one another."""
        out = torch.empty_like(values)
        out[self.order] = values
        return out


class Recurrent(nn.Module):
    """An LSTM (Hochreiter and Schmidhuber 1997) or a GRU (Cho et al. 2014) over flat sequences of `lengths` (B,): (total, in) to
    the state after every step, (total, width).

    The gradient of packed sequences fills an array of zeros as large as all states for every step; padded to the longest of the batch
    a step of training took 42 ms instead of 66 (docs/lab.md). Where most of such an array would be padding, sequences are
    packed.
    """

    def __init__(self, kind: str, inputs: int, width: int, *, depth: int) -> None:
        super().__init__()
        layer = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
        self.layers = layer(inputs, width, num_layers=depth)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Return (total, width)."""
        longest = int(lengths.max()) if len(lengths) else 0
        if longest * len(lengths) > PADDED * len(values):
            packing = Packing.of(lengths)
            packed, _ = self.layers(packing.packed(values))
            return packing.unpacked(packed.data)
        which = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)
        turn = torch.arange(len(which), device=lengths.device) - (lengths.cumsum(0) - lengths)[which]
        padded = values.new_zeros(longest, len(lengths), values.shape[1])
        padded[turn, which] = values
        states: Tensor = self.layers(padded)[0][turn, which]
        return states


class DecayedGRU(nn.Module):
    """A GRU for variables that are measured at uneven times (GRU-D: Che et al. 2018, doi:10.1038/s41598-018-24271-9).

    A value that was not measured is thought to lie between the last one and the centre of training (0), the nearer to the
    centre the longer ago; the state fades between steps too. What is known of each step: `seen` (total, p) values with 0 where there is none,
    `mask` (total, p), `last` (total, p) the value before, `waited` (total, p) the time since then, `gap` (total,) since the step
    before, and `more` (total, m) whatever else. Each step's state comes back, (total, width).
    """

    def __init__(self, variables: int, more: int, width: int) -> None:
        super().__init__()
        self.value_rate = nn.Parameter(torch.full((variables,), 0.1))
        self.value_start = nn.Parameter(torch.zeros(variables))
        self.state_rate = nn.Parameter(torch.full((width,), 0.1))
        self.state_start = nn.Parameter(torch.zeros(width))
        self.cell = nn.GRUCell(2 * variables + more, width)
        self.width = width

    def forward(
        self, seen: Tensor, mask: Tensor, *, last: Tensor, waited: Tensor, gap: Tensor, more: Tensor, packing: Packing
    ) -> Tensor:
        """Return (total, width)."""
        fade = torch.exp(-F.relu(self.value_rate * waited + self.value_start))
        known = seen + (1 - mask) * fade * last
        inputs = torch.cat([known, mask, more], dim=1)[packing.order]
        fades = torch.exp(-F.relu(self.state_rate * gap[:, None] + self.state_start))[packing.order]
        sizes: Sequence[int] = packing.sizes.tolist()
        state, states, first = inputs.new_zeros(sizes[0] if sizes else 0, self.width), [], 0
        for size in sizes:
            here = slice(first, first + size)
            state = self.cell(inputs[here], fades[here] * state[:size])
            states.append(state)
            first += size
        return packing.unpacked(torch.cat(states)) if states else inputs.new_zeros(0, self.width)
