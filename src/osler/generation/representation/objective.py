"""What every way to represent shares: an encoder, what is trained beside it, and a vector for each case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from osler.contract import Batch, Objective
from osler.core.plan import Plan

ENCODER = "encoder"
SCORED = 7_919  # seed of what is drawn where a state is scored: the same every time


class RepresentationObjective(Objective):
    """Trains `encoder` and `beside` on cases without labels; `loss` says on what. Of a case that lacks the input nothing is learned."""

    module: nn.ModuleDict
    restores: ClassVar[bool] = False  # whether `errors` tells how badly cases are restored

    def __init__(self, *, name: str, encoder: nn.Module, beside: nn.Module, plan: Plan) -> None:
        self.name, self.plan = name, plan
        self.module = nn.ModuleDict({ENCODER: encoder, "beside": beside})

    @property
    def encoder(self) -> Any:
        """The encoder of the input's modality."""
        return self.module[ENCODER]

    @property
    def width(self) -> int:
        """The numbers of a vector."""
        return int(self.encoder.width)

    @property
    def beside(self) -> Any:
        """What is trained with the encoder and not needed after."""
        return self.module["beside"]

    def optimisers(self, *, plan: Mapping[str, Any]) -> tuple[torch.optim.Optimizer, ...]:
        """Return AdamW; biases, scales and other vectors are not decayed."""
        learned = [p for p in self.module.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in learned if p.dim() > 1], "weight_decay": plan["fit.weight_decay"]},
            {"params": [p for p in learned if p.dim() <= 1], "weight_decay": 0.0},
        ]
        kept = [group for group in groups if group["params"]]
        return (torch.optim.AdamW(kept, lr=plan["fit.learning_rate"], betas=(0.9, 0.98), fused=True),)

    def step(self, batch: Batch, *, turn: int, generator: torch.Generator) -> Tensor:
        """Return the loss (B,) of the cases that have the input."""
        fields = batch.inputs[self.name].fields
        with torch.autocast(_device(self.module), torch.bfloat16, enabled=self.plan["fit.precision"] == "bfloat16"):
            return self.loss(fields, generator=generator).float()

    @torch.no_grad()
    def score(self, batches: Iterable[Batch]) -> float:
        """Return the mean loss; what is drawn is the same every time."""
        generator, total, cases = torch.Generator().manual_seed(SCORED), 0.0, 0
        for batch in batches:
            part = batch.inputs[self.name]
            if len(part.index):
                total += float(self.loss(part.fields, generator=generator).double().sum())
                cases += len(part.index)
        return total / max(cases, 1)

    def loss(self, fields: Mapping[str, Tensor], *, generator: torch.Generator) -> Tensor:
        """Return the loss (B,) of cases with these fields."""
        raise NotImplementedError

    def vectors(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return the vectors (B, d) by which cases are represented, float32, each independent of the other cases."""
        return self.pooled(self.encoder(self.encoder.lift(fields), fields).vector).float()

    def errors(self, fields: Mapping[str, Tensor]) -> Tensor | None:
        """Return how badly each case is restored (B,), None where nothing is."""
        return None

    @staticmethod
    def pooled(vector: Tensor) -> Tensor:
        """Return (B, d): the mean over the models that one encoder carries, or over the views that it takes."""
        return vector if vector.dim() == 2 else vector.mean(1)


def uniform(shape: tuple[int, ...], *, generator: torch.Generator, like: Tensor) -> Tensor:
    """Return evenly spread draws from 0 to 1, drawn on the processor so that every device sees the same."""
    return torch.rand(shape, generator=generator).to(like.device)


def normal(shape: tuple[int, ...], *, generator: torch.Generator, like: Tensor) -> Tensor:
    """Return standard normal draws, drawn on the processor so that every device sees the same."""
    return torch.randn(shape, generator=generator).to(like.device)


def _device(module: nn.Module) -> str:
    return next(module.parameters()).device.type
