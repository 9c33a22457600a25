"""From decisions, states and shapes to what is trained: the same call in training and from a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.contract import Maker, Modality, Objective
from osler.core.plan import Plan
from osler.core.state import State
from osler.spine.fit import Source

SHOWN = 64  # cases whose batch shows the shapes that a maker builds for
Begin = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What an objective is built from: the `states` of its inputs, the `shapes` of one case, and the maker's `info`."""

    states: Mapping[str, State]
    shapes: Mapping[str, tuple[int, ...]]
    info: Mapping[str, Any]


def build(
    maker: Maker, modalities: Mapping[str, Modality], parts: Parts, *, plan: Plan, seed: int, begin: Begin | None = None
) -> Objective:  # fmt: skip
    """Return an untrained objective; `seed` draws its first weights, `begin` may put others into its encoders."""
    import torch

    torch.manual_seed(seed)
    encoders = encoders_of(maker, modalities, parts.states, plan=plan)
    if begin is not None and encoders:
        begin(encoders)
    return maker.built(encoders, shapes=parts.shapes, info=parts.info, plan=plan)


def encoders_of(maker: Maker, modalities: Mapping[str, Modality], states: Mapping[str, State], *, plan: Plan) -> dict[str, Any]:
    """Return new encoders by input; none where the maker has no use for them."""
    if not maker.encodes:
        return {}
    return {
        name: modality.encoder(plan=plan.part(f"inputs.{name}"), state=states[name], output=maker.output)
        for name, modality in modalities.items()
    }


def shapes_of(maker: Maker, source: Source, rows: np.ndarray, *, states: Mapping[str, State]) -> dict[str, tuple[int, ...]]:
    """Return by input the shape of one case: as its encoder lifts it, or without encoders of its first field."""
    import torch

    encoders = encoders_of(maker, source.modalities, states, plan=source.plan)
    found: dict[str, tuple[int, ...]] = {}
    for name, columns in source.columns.items():
        here = rows[columns.present[rows]][:SHOWN]
        fields = source.batch(here).inputs[name].fields
        with torch.no_grad():
            values = encoders[name].to(source.device).lift(fields) if encoders else fields[columns.names("input")[0]]
        found[name] = tuple(int(size) for size in values.shape[1:])
    return found
