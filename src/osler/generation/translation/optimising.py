"""How translators and critics learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

BETAS = (0.5, 0.999)  # of Adam's means for what plays against a critic (Radford et al. 2016)


def decayed(module: nn.Module, *, plan: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Return AdamW; biases and scales are not decayed."""
    matrices = [p for p in module.parameters() if p.dim() > 1]
    vectors = [p for p in module.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": plan["fit.weight_decay"]}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=plan["fit.learning_rate"], betas=(0.9, 0.98))


def plain(modules: Sequence[nn.Module], *, plan: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Return Adam with the short memory of adversarial training."""
    weights = [p for module in modules for p in module.parameters()]
    return torch.optim.Adam(weights, lr=plan["fit.learning_rate"], betas=BETAS)


def autocast(like: Tensor, plan: Mapping[str, Any]) -> torch.autocast:
    """Return where convolutions run in bfloat16, if the plan says so."""
    return torch.autocast(like.device.type, torch.bfloat16, enabled=plan["fit.precision"] == "bfloat16")
