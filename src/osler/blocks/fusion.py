"""The network of a study: an encoder per input, fusion, head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from osler.contract import Batch, Encoded, InputBatch


class Fusion(nn.Module):
    """Joins the vectors of several inputs; an absent input is replaced by a learned vector.

    In training, present inputs are dropped at random with probability `drop`, but never the last of a case, so that a
    patient without a scan still gets a prediction. With one input nothing is dropped and the vector passes through.
    """

    def __init__(self, *, encoders: Mapping[str, nn.Module], drop: float = 0.0) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.widths = {name: int(e.width) for name, e in encoders.items()}  # type: ignore[arg-type]
        self.absent = nn.ParameterDict({name: nn.Parameter(torch.zeros(width)) for name, width in self.widths.items()})
        self.drop = drop
        self.width = sum(self.widths.values())

    def lift(self, batch: Batch) -> dict[str, Tensor]:
        """Return by input what its encoder lifts of the cases that have it: floats, on which attributions make sense."""
        present = {name: part for name, part in batch.inputs.items() if len(part.index)}
        return {name: self.encoders[name].lift(part.fields) for name, part in present.items()}  # type: ignore[operator]

    def forward(self, batch: Batch, lifted: Mapping[str, Tensor] | None = None) -> Encoded:
        """Return the joined vector (B, K, width) and the maps of the only input that gives them, if any.

        `lifted` stands for what `lift` gives of the batch: points on a path between two cases, for an attribution.
        """
        lifted = self.lift(batch) if lifted is None else lifted
        kept = self._kept(batch)
        parts, maps, strides = [], (), ()
        for name, encoder in self.encoders.items():
            part = batch.inputs[name]
            vector, encoded = self._scattered(encoder, part, name=name, lifted=lifted.get(name), kept=kept[name])
            parts.append(vector)
            if encoded is not None and encoded.maps:
                maps, strides = encoded.maps, encoded.strides  # type: ignore[assignment]
        most = max(p.shape[1] for p in parts)
        joined = torch.cat([p.expand(-1, most, -1) for p in parts], dim=-1)
        return Encoded(joined, maps, strides)

    def _scattered(
        self, encoder: nn.Module, part: InputBatch, *, name: str, lifted: Tensor | None, kept: Tensor
    ) -> tuple[Tensor, Encoded | None]:
        size = len(kept)
        if lifted is None:
            return self.absent[name].expand(size, 1, -1), None
        encoded: Encoded = encoder(lifted, part.fields)
        vector = encoded.vector if encoded.vector.dim() == 3 else encoded.vector[:, None]
        if len(part.index) == size and bool(kept.all()):
            return vector, encoded
        full = self.absent[name].to(vector.dtype).expand(size, vector.shape[1], -1).clone()
        full[part.index] = vector
        return torch.where(kept[:, None, None], full, self.absent[name].to(vector.dtype)), encoded

    def _kept(self, batch: Batch) -> dict[str, Tensor]:
        names = list(self.encoders)
        device = self.absent[names[0]].device
        here = torch.zeros(batch.size, len(names), dtype=torch.bool, device=device)
        for column, name in enumerate(names):
            here[batch.inputs[name].index, column] = True
        if not self.training or self.drop == 0 or len(names) == 1:
            return {name: here[:, column] for column, name in enumerate(names)}
        draw = torch.rand(batch.size, len(names), device=device).masked_fill(~here, -1.0)
        keep = here & ((draw >= self.drop) | (draw == draw.max(1, keepdim=True).values))
        return {name: keep[:, column] for column, name in enumerate(names)}


class Network(nn.Module):
    """Fusion and head. The head runs on each of the K models that an encoder may carry.

    On a grid the fused vector of several inputs shifts the anchor's maps, channel by channel; `channels` are those of the
    maps, from fine to coarse.
    """

    def __init__(self, *, fusion: Fusion, head: nn.Module, output: str, channels: Sequence[int] = ()) -> None:
        super().__init__()
        self.fusion = fusion
        self.head = head
        self.output = output
        several = output == "map" and len(fusion.widths) > 1
        self.shifts = nn.ModuleList(nn.Linear(fusion.width, c) for c in channels) if several else None

    def each(self, batch: Batch, lifted: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return raw outputs of every carried model: (B, K, k), or (B, 1, k, i, j[, k]) on a grid."""
        encoded = self.fusion(batch, lifted)
        if self.output == "vector":
            return self.head(encoded.vector)
        return self.head(self._shifted(encoded))[:, None]

    def forward(self, batch: Batch, lifted: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return raw outputs (B, k), or maps (B, k, i, j[, k]), averaged over the carried models."""
        return self.each(batch, lifted).mean(1)

    def _shifted(self, encoded: Encoded) -> tuple[Tensor, ...]:
        if self.shifts is None:
            return encoded.maps
        vector = encoded.vector.mean(1)
        return tuple(
            values + shift(vector).reshape(*values.shape[:2], *[1] * (values.dim() - 2))
            for values, shift in zip(encoded.maps, self.shifts, strict=True)
        )
