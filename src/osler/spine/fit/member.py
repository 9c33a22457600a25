"""A trained network as a member: it needs its input fields and gives raw outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from osler.blocks.fusion import Fusion, Network
from osler.contract import Modality, Task
from osler.core.plan import Plan
from osler.core.state import State
from osler.spine.fit.source import Source


@dataclass(frozen=True, slots=True)
class NetworkMember:
    """One network with the states that its encoders were built from (by input name)."""

    network: Network
    states: Mapping[str, State]

    @classmethod
    def built(
        cls, *, modalities: Mapping[str, Modality], task: Task, info: Mapping, states: Mapping[str, State], plan: Plan, seed: int
    ) -> NetworkMember:
        """Return an untrained member; `seed` draws its first weights."""
        output = task.needs(info)
        torch.manual_seed(seed)
        encoders: dict[str, nn.Module] = {
            name: modality.encoder(plan=plan.part(f"inputs.{name}"), state=states[name], output=output)
            for name, modality in modalities.items()
        }
        fusion = Fusion(encoders=encoders, drop=plan["fusion.drop"], join=plan["fusion.join"], dropout=plan["fusion.dropout"])
        channels: Sequence[int] = next((c for e in encoders.values() if (c := getattr(e, "channels", ()))), ())
        head = task.head(info=info, width=fusion.width, channels=channels, plan=plan)
        return cls(Network(fusion=fusion, head=head, output=output, channels=channels), states)

    @torch.no_grad()
    def raw(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """Return raw outputs (rows, k) float64; each case's does not depend on the others'."""
        self.network.eval()
        size = source.plan["fit.predict_batch"]
        parts = [self.network(batch).double().cpu().numpy() for batch in source.batches(rows, size=size)]
        return np.concatenate(parts) if parts else np.empty((0, 0))

    @torch.no_grad()
    def raw_map(self, source: Source, row: int) -> np.ndarray:
        """Return the raw map (k, i, j[, k]) of one case in its own grid, restored from its tiles."""
        self.network.eval()
        anchor = source.anchor or next(iter(source.modalities))
        columns, plan = source.columns[anchor], source.plan.part(f"inputs.{anchor}")
        tiles = source.modalities[anchor].tiles(columns, row, plan=plan)
        batch = source.batch(np.array([row])) if tiles is None else source.tiled(row, tiles)
        return source.modalities[anchor].restore(self.network(batch).float().cpu().numpy(), tiles, columns, row)
