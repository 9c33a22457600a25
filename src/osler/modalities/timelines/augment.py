"""Training steps see each case with some of its events left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from osler.modalities.timelines.gather import OFFSETS


def augment(fields: dict[str, Tensor], *, plan: Mapping[str, Any], generator: torch.Generator) -> dict[str, Tensor]:
    """Return the batch in which each event is left out with the plan's `drop_events`; a case keeps at least its last one.

    How often and when something was measured is then no longer what tells patients apart.
    """
    rate = float(plan["drop_events"])
    if rate <= 0:
        return fields
    offsets = fields[OFFSETS]
    count = int(offsets[-1])
    kept = torch.rand(count, generator=generator, device=offsets.device) >= rate
    ends = offsets[1:][offsets.diff() > 0] - 1
    kept[ends] = True
    before = torch.cat([offsets.new_zeros(1), kept.cumsum(0)])
    flat = {name: values[kept] for name, values in fields.items() if name != OFFSETS}
    return {**flat, OFFSETS: before[offsets]}
