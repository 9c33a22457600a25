"""The network of a study: an encoder per input, fusion, head."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from osler.contract import Batch, Encoded

JOINS = ("mixed", "side by side")


class Fusion(nn.Module):
    """Joins the vectors of several inputs; an absent input is replaced by a learned vector.

    In training, present inputs are dropped at random with probability `drop`, but never the last of a case, so that a
    patient without a scan still gets a prediction. An input that `learn` left out counts as absent everywhere: an encoder
    that saw no case would add noise. With one input nothing is dropped and the vector passes through.

    Vectors lie "side by side", which a linear head adds up; "mixed" adds a block between them that may learn what one input
    means in the light of another.
    """

    known: Tensor

    def __init__(
        self, *, encoders: Mapping[str, nn.Module], drop: float = 0.0, join: str = JOINS[1], dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.names = tuple(encoders)
        self.widths = {name: int(cast("Any", e).width) for name, e in encoders.items()}
        # lists, as an input may be called what a module already calls something ("values", "type")
        self.parts = nn.ModuleList(encoders.values())
        self.absent = nn.ParameterList([nn.Parameter(torch.zeros(width)) for width in self.widths.values()])
        self.drop = drop
        self.width = sum(self.widths.values())
        mixed = join == "mixed" and len(self.names) > 1
        self.mix = Mix(tuple(self.widths.values()), dropout=dropout) if mixed else None
        self.register_buffer("known", torch.ones(len(self.names), dtype=torch.bool))

    @property
    def encoders(self) -> dict[str, nn.Module]:
        """The encoders by input."""
        return dict(zip(self.names, self.parts, strict=True))

    def learn(self, names: Collection[str]) -> None:
        """Take the inputs `names` for known, as training has cases of them, and the others for absent everywhere."""
        self.known.copy_(torch.tensor([name in names for name in self.names]))

    def lift(self, batch: Batch) -> dict[str, Tensor]:
        """Return by input what its encoder lifts of the cases that have it: floats, on which attributions make sense."""
        known = dict(zip(self.names, self.known.tolist(), strict=True))
        present = {name: part for name, part in batch.inputs.items() if known[name] and len(part.index)}
        encoders = self.encoders
        return {name: cast("Any", encoders[name]).lift(part.fields) for name, part in present.items()}

    def forward(self, batch: Batch, lifted: Mapping[str, Tensor] | None = None) -> Encoded:
        """Return the joined vector (B, K, width) and the maps of the only input that gives them, if any.

        `lifted` stands for what `lift` gives of the batch: points on a path between two cases, for an attribution.
        """
        lifted = self.lift(batch) if lifted is None else lifted
        kept = self._kept(batch, lifted)
        parts: list[Tensor] = []
        grid = Encoded(torch.empty(0))
        for at, (name, encoder) in enumerate(self.encoders.items()):
            if name not in lifted:
                parts.append(self.absent[at].expand(batch.size, 1, -1))
                continue
            encoded: Encoded = encoder(lifted[name], batch.inputs[name].fields)
            vector = encoded.vector if encoded.vector.dim() == 3 else encoded.vector[:, None]
            parts.append(self._scattered(vector, batch.inputs[name].index, at=at, kept=kept[name], size=batch.size))
            grid = encoded if encoded.maps else grid
        joined = torch.cat(_alike(parts), dim=-1)
        return Encoded(joined if self.mix is None else self.mix(joined), grid.maps, grid.strides)

    def _scattered(self, vector: Tensor, index: Tensor, *, at: int, kept: Tensor | None, size: int) -> Tensor:
        """Return (B, K, width): the vectors of the cases that keep the input, the learned vector in place of the others."""
        absent = self.absent[at].to(vector.dtype)
        if len(index) < size:
            whole = absent.expand(size, vector.shape[1], -1).clone()
            whole[index] = vector
            vector = whole
        return vector if kept is None else torch.where(kept[:, None, None], vector, absent)

    def _kept(self, batch: Batch, lifted: Mapping[str, Tensor]) -> dict[str, Tensor | None]:
        """Return by input which cases (B,) keep it; None where nothing is dropped."""
        if not self.training or self.drop == 0 or len(lifted) < 2:
            return dict.fromkeys(lifted)
        device = next(iter(lifted.values())).device
        draw = torch.full((batch.size, len(lifted)), -1.0, device=device)
        for column, name in enumerate(lifted):
            index = batch.inputs[name].index
            draw[index, column] = torch.rand(len(index), device=device)
        keep = (draw >= self.drop) | (draw == draw.max(1, keepdim=True).values)
        return {name: keep[:, column] for column, name in enumerate(lifted)}


class Mix(nn.Module):
    """x + W₂ · dropout(SiLU(W₁ · norm(x))), each input's part of x normalised by itself; (…, width) to (…, width).

    It starts as the identity, so that a network starts by adding its inputs up.
    """

    def __init__(self, widths: Sequence[int], *, dropout: float) -> None:
        super().__init__()
        self.widths = list(widths)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in widths)
        total = sum(widths)
        inner = min(total, 2 * max(widths))
        self.widen, self.narrow = nn.Linear(total, inner), nn.Linear(inner, total)
        self.rate = dropout
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (…, width)."""
        even = [norm(part) for norm, part in zip(self.norms, x.split(self.widths, dim=-1), strict=True)]
        hidden = F.dropout(F.silu(self.widen(torch.cat(even, dim=-1))), self.rate, self.training)
        mixed: Tensor = x + self.narrow(hidden)
        return mixed


def _alike(parts: Sequence[Tensor]) -> list[Tensor]:
    """Return the vectors (B, k, width) of all inputs with the same number of models K: those that carry fewer are repeated."""
    most = max(part.shape[1] for part in parts)
    return [part if part.shape[1] == most else part[:, torch.arange(most, device=part.device) % part.shape[1]] for part in parts]


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

    def each(self, batch: Batch, lifted: Mapping[str, Tensor] | None = None) -> Tensor | tuple[Tensor, ...]:
        """Return raw outputs of every carried model: (B, K, k), or (B, 1, k, i, j[, k]) on a grid; in training a head may give
        several raw maps (B, k, …), from fine to coarse."""
        encoded = self.fusion(batch, lifted)
        if self.output == "vector":
            return self.head(encoded.vector)
        raw = self.head(self._shifted(encoded))
        return raw if isinstance(raw, tuple) else raw[:, None]

    def forward(self, batch: Batch, lifted: Mapping[str, Tensor] | None = None) -> Tensor:
        """Return raw outputs (B, k), or maps (B, k, i, j[, k]), averaged over the carried models; maps also over the mirror images
        that the anchor's encoder names as `views` (axes from the last, each a tuple)."""
        views = () if self.training or self.output == "vector" else self._views()
        if len(views) < 2:
            found = self.each(batch, lifted)
            return found[0] if isinstance(found, tuple) else found.mean(1)
        lifted = self.fusion.lift(batch) if lifted is None else lifted
        total: Tensor | float = 0.0
        for axes in views:
            turned = {name: values.flip(axes) if self._anchors(name) else values for name, values in lifted.items()}
            found = self.each(batch, turned)
            total = total + (found[0] if isinstance(found, tuple) else found.mean(1)).flip(axes)
        return cast("Tensor", total) / len(views)

    def _views(self) -> tuple[tuple[int, ...], ...]:
        anchors: list[Any] = [encoder for name, encoder in self.fusion.encoders.items() if self._anchors(name)]
        return anchors[0].views if anchors else ()

    def _anchors(self, name: str) -> bool:
        encoder: Any = self.fusion.encoders[name]
        return bool(getattr(encoder, "views", ())) and bool(getattr(encoder, "channels", ()))

    def _shifted(self, encoded: Encoded) -> tuple[Tensor, ...]:
        if self.shifts is None:
            return encoded.maps
        vector = encoded.vector.mean(1)
        return tuple(
            values + shift(vector).reshape(*values.shape[:2], *[1] * (values.dim() - 2))
            for values, shift in zip(encoded.maps, self.shifts, strict=True)
        )
