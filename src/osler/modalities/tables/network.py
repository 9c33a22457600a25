"""The network over a row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from osler.blocks.attention import AttentionBlock
from osler.blocks.dense import EnsembleLinear, ResidualBlock, smooth_clip
from osler.blocks.embeddings import Periodic, PiecewiseLinear, Vocabularies
from osler.contract import Encoded
from osler.core.state import State
from osler.modalities.tables.case import CATEGORIES, NUMBERS


class TableEncoder(nn.Module):
    """Encodes rows: `lift` turns fields into floats, `forward` turns these into vectors (B, K, width).

    `lift` gives (B, F): the scaled numbers (p), their places in their columns' bins (p · b), flags of missing values (p), and
    the embedded categories (q · e). `owner` (F,) tells which column each float comes from: numbers 0 to p - 1, then
    categories; sums of attributions over it are attributions of columns. There is no normalisation over the batch, so a
    row's vector does not depend on the rows beside it.
    """

    center: Tensor
    scale: Tensor
    owner: Tensor

    def __init__(self, *, plan: Mapping[str, Any], state: State) -> None:
        super().__init__()
        self.channels: tuple[int, ...] = ()
        self.width = int(plan["width"])
        center = torch.as_tensor(state.arrays["center"]).float()
        scale = torch.as_tensor(state.arrays["scale"]).float()
        self.numbers = len(center)
        self.register_buffer("center", torch.where(torch.isfinite(center), center, 0.0), persistent=False)
        self.register_buffer("scale", torch.where(torch.isfinite(scale) & (scale > 0), scale, 1.0), persistent=False)
        self.bins = _bins(state, plan=plan, columns=self.numbers)
        words = _words(state)
        tokens = plan["architecture"] == "transformer"
        self.vocabularies = Vocabularies(words, size=self.width if tokens else int(plan["category_width"]))
        counts = (self.numbers, self.numbers * (self.bins.bins if self.bins else 0), self.numbers)
        self.sizes = (*counts, self.vocabularies.table.shape[1] * len(words))
        self.register_buffer("owner", self._owner(len(words)), persistent=False)
        body = TokenBody if tokens else DenseBody
        self.body = body(plan=plan, sizes=self.sizes, columns=self.numbers, categories=len(words), owner=self.owner)

    def lift(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, F) floats, on which gradients and attributions make sense."""
        numbers = fields[NUMBERS].float()
        here = torch.isfinite(numbers)
        scaled = smooth_clip((numbers - self.center) / self.scale)
        parts = [torch.where(here, scaled, 0.0)]
        if self.bins is not None:
            parts.append(self.bins(numbers).flatten(1))
        parts.append((~here).float())
        parts.append(self.vocabularies(fields[CATEGORIES]).flatten(1))
        return torch.cat(parts, dim=1)

    def forward(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Encoded:
        """Return the vectors (B, K, width) of lifted rows (B, F)."""
        return Encoded(self.body(lifted))

    def _owner(self, categories: int) -> Tensor:
        number = torch.arange(self.numbers)
        bins = self.bins.bins if self.bins else 0
        category = self.numbers + torch.arange(categories)
        size = self.vocabularies.table.shape[1]
        return torch.cat([number, number.repeat_interleave(bins), number, category.repeat_interleave(size)])


class DenseBody(nn.Module):
    """Numerical embeddings and a residual network that carries K models: (B, F) to (B, K, width).

    K models in one by shared weights: Gorishniy et al. 2024 (TabM).
    """

    def __init__(self, *, plan: Mapping[str, Any], sizes: tuple[int, ...], columns: int, categories: int, owner: Tensor) -> None:
        super().__init__()
        self.sizes, self.columns = sizes, columns
        size, kind = int(plan["embedding_width"]), plan["embedding"]
        self.embedding: nn.Module | None = None
        if columns and kind == "piecewise" and sizes[1]:
            self.embedding = PerColumn(columns, sizes[1] // columns, size)
        elif columns and kind == "periodic":
            self.embedding = Periodic(columns, size=size)
        extra = torch.arange(columns).repeat_interleave(size) if self.embedding is not None else owner[:0]
        kept = torch.cat([owner[: sizes[0]], owner[sizes[0] + sizes[1] :]])
        members, width = int(plan["members"]), int(plan["width"])
        inputs = len(kept) + len(extra)
        self.first = EnsembleLinear(inputs, width, members=members, owner=torch.cat([kept, extra]))
        with torch.no_grad():  # a column that is never missing in training must not speak when it is missing later
            self.first.weight[:, sizes[0] : sizes[0] + sizes[2]] = 0.0
        blocks = [ResidualBlock(width, members=members, dropout=plan["dropout"]) for _ in range(int(plan["depth"]))]
        self.blocks = nn.ModuleList(blocks)

    def forward(self, lifted: Tensor) -> Tensor:
        """Return (B, K, width)."""
        scaled, binned, missing, categories = lifted.split(self.sizes, dim=1)
        parts = [scaled, missing, categories]
        if isinstance(self.embedding, PerColumn):
            parts.append(self.embedding(binned.unflatten(1, (self.columns, -1))).flatten(1))
        elif self.embedding is not None:
            parts.append(self.embedding(scaled).flatten(1))
        x = self.first(torch.cat(parts, dim=1))
        for block in self.blocks:
            x = block(x)
        return x


class TokenBody(nn.Module):
    """Each column a token, attention between them, and a class token that gathers: (B, F) to (B, 1, width).

    FT-Transformer: Gorishniy et al. 2021.
    """

    def __init__(self, *, plan: Mapping[str, Any], sizes: tuple[int, ...], columns: int, categories: int, owner: Tensor) -> None:
        super().__init__()
        self.sizes, self.columns = sizes, columns
        self.token = int(plan["width"])
        self.categories, self.bins = categories, sizes[1] // columns if columns else 0
        self.numbers = PerColumn(columns, 2 + self.bins, self.token)
        self.waves = Periodic(columns, size=self.token) if plan["embedding"] == "periodic" and columns else None
        with torch.no_grad():
            self.numbers.weight[:, -1] = 0.0
        bound = self.token**-0.5
        self.place = nn.Parameter(torch.empty(columns + categories + 1, self.token).uniform_(-bound, bound))
        heads = max(h for h in (1, 2, 4, 8) if self.token % h == 0)
        blocks = [AttentionBlock(self.token, heads=heads, dropout=plan["dropout"]) for _ in range(int(plan["depth"]))]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(self.token)

    def forward(self, lifted: Tensor) -> Tensor:
        """Return (B, 1, width)."""
        scaled, binned, missing, categories = lifted.split(self.sizes, dim=1)
        binned = binned.reshape(len(lifted), self.columns, self.bins)
        numbers = self.numbers(torch.cat([scaled[..., None], binned, missing[..., None]], dim=2))
        if self.waves is not None:
            numbers = numbers + self.waves(scaled)
        words = categories.reshape(len(lifted), self.categories, self.token)
        gather = torch.zeros_like(self.place[:1]).expand(len(lifted), -1, -1)
        x = torch.cat([gather, numbers, words], dim=1) + self.place
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, :1])


class PerColumn(nn.Module):
    """A linear map of its own for each column: (B, p, in) to (B, p, out)."""

    def __init__(self, columns: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(columns, inputs, outputs).uniform_(-1, 1) * max(inputs, 1) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, p, out)."""
        return torch.einsum("bpi,pio->bpo", x, self.weight)


def _bins(state: State, *, plan: Mapping[str, Any], columns: int) -> PiecewiseLinear | None:
    edges = state.arrays.get("bins")
    if plan["embedding"] != "piecewise" or columns == 0 or edges is None or edges.shape[1] < 2:
        return None
    return PiecewiseLinear(torch.as_tensor(edges).float())


def _words(state: State) -> list[Tensor]:
    names = sorted((k for k in state.arrays if k.startswith("vocabulary.")), key=lambda k: int(k.rpartition(".")[2]))
    return [torch.as_tensor(state.arrays[n]) for n in names]
