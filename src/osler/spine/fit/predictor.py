"""The objective of a predictor: the task's loss on the network's raw outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import torch
from torch import Tensor

from osler.blocks.fusion import Network
from osler.contract import Batch, Objective, TargetBatch, Task


class PredictorObjective(Objective):
    """Trains each model that the network carries on its own loss; scores their mean."""

    module: Network

    def __init__(self, *, network: Network, task: Task, plan: Mapping[str, Any]) -> None:
        self.module = network
        self.task = task
        self.plan = plan

    def optimisers(self, *, plan: Mapping[str, Any]) -> tuple[torch.optim.Optimizer, ...]:
        """Return AdamW; biases, scales and other vectors are not decayed."""
        matrices = [p for p in self.module.parameters() if p.requires_grad and p.dim() > 1]
        vectors = [p for p in self.module.parameters() if p.requires_grad and p.dim() <= 1]
        groups = [{"params": matrices, "weight_decay": plan["fit.weight_decay"]}, {"params": vectors, "weight_decay": 0.0}]
        return (
            torch.optim.AdamW([g for g in groups if g["params"]], lr=plan["fit.learning_rate"], betas=(0.9, 0.98), fused=True),
        )

    def step(self, batch: Batch, *, turn: int, generator: torch.Generator) -> Tensor:
        """Return (B,): the loss of a case, averaged over the carried models."""
        assert batch.target is not None
        device = batch.target.values.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.plan["fit.precision"] == "bfloat16"):
            found = self.module.each(batch)
        if isinstance(found, tuple):
            loss = self.task.loss(cast("Tensor", found), batch.target, plan=self.plan)
            return loss if batch.weight is None else loss * batch.weight
        raw = found.float()
        carried = raw.shape[1]
        flat = raw.flatten(0, 1)
        target = batch.target
        side = None if target.side is None else _repeat(target.side, carried)
        repeated = TargetBatch(_repeat(target.values, carried), _repeat(target.observed, carried), side)
        loss = self.task.loss(flat, repeated, plan=self.plan).reshape(len(raw), carried).mean(1)
        return loss if batch.weight is None else loss * batch.weight

    @torch.no_grad()
    def score(self, batches: Iterable[Batch]) -> float:
        """Return the mean loss of the averaged raw outputs."""
        total, cases = 0.0, 0
        for batch in batches:
            assert batch.target is not None
            half = self.plan["fit.precision"] == "bfloat16" and self.module.output == "map"
            with torch.autocast(batch.target.values.device.type, torch.bfloat16, enabled=half):
                raw = self.module(batch)
            loss = self.task.loss(raw.float(), batch.target, plan=self.plan)
            total, cases = total + float(loss.double().sum()), cases + batch.size
        return total / max(cases, 1)


def _repeat(values: Tensor, times: int) -> Tensor:
    return values if times == 1 else values.repeat_interleave(times, dim=0)
