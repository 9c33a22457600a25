"""A trained network as a member: it needs its input fields and gives raw outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from osler.blocks.fusion import Fusion, Network
from osler.contract import Modality, Task
from osler.core.plan import Plan
from osler.core.state import State
from osler.spine.fit.source import Source

AT_ONCE = 2  # tiles in one pass: more keep a processor no busier, and take memory


@dataclass(frozen=True, slots=True)
class NetworkMember:
    """One network with the states that its encoders were built from (by input name); `replanned` says how its epochs were planned anew."""

    network: Network
    states: Mapping[str, State]
    replanned: tuple[tuple[int, int], ...] = ()

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
        """Return the raw map (k, i, j[, k]) float32 of one case on the grid on which it is stored, put together from its tiles, which
        count by the modality's weights where they overlap."""
        self.network.eval()
        anchor = source.anchor or next(iter(source.modalities))
        modality, columns, plan = source.modalities[anchor], source.columns[anchor], source.plan.part(f"inputs.{anchor}")
        tiles = modality.tiles(columns, row, plan=plan)
        if tiles is None:
            return self.network(source.batch(np.array([row]))).float().cpu().numpy()[0]
        weights = torch.from_numpy(modality.tile_weights(tuple((tiles[0, :, 1] - tiles[0, :, 0]).tolist()), plan=plan))
        joined = Joined(modality.stored(columns, row), weights)
        with autocast(source.device, source.plan):
            for start in range(0, len(tiles), AT_ONCE):
                some = tiles[start : start + AT_ONCE]
                joined.add(self.network(source.tiled(row, some)).float().cpu(), some)
        return joined.whole()


class Joined:
    """Tiles added up on the grid of a case, each by its weights (axes); what reaches over the ends is left out."""

    def __init__(self, shape: tuple[int, ...], weights: torch.Tensor) -> None:
        self.shape, self.weights = shape, weights
        self.total: torch.Tensor | None = None
        self.share = torch.zeros(shape)

    def add(self, raws: torch.Tensor, tiles: np.ndarray) -> None:
        """Add the raw maps (t, k, tile) at `tiles` (t, axes, 2)."""
        if self.total is None:
            self.total = torch.zeros(raws.shape[1], *self.shape)
        for raw, tile in zip(raws, tiles, strict=True):
            inside = tuple(slice(max(0, a), min(int(b), n)) for (a, b), n in zip(tile, self.shape, strict=True))
            own = tuple(slice(part.start - int(a), part.stop - int(a)) for part, (a, _) in zip(inside, tile, strict=True))
            self.total[:, *inside] += raw[:, *own] * self.weights[own]
            self.share[inside] += self.weights[own]

    def whole(self) -> np.ndarray:
        """Return the mean (k, shape), in place of the sums."""
        assert self.total is not None
        return self.total.div_(self.share.clamp_min(1e-6)).numpy()


def autocast(device: str, plan: Mapping[str, Any]) -> torch.autocast:
    """Return the context in which networks run in the plan's precision."""
    return torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=plan["fit.precision"] == "bfloat16")
