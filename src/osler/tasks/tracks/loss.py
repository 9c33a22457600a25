"""What members of tracks are trained on: cross-entropy of labels, squared errors of numbers, a mean over a case's known letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from osler.core.batch import TargetBatch
from osler.tasks.tracks.scale import standardised_tensor


def loss(raw: Tensor, target: TargetBatch, *, plan: Mapping[str, Any]) -> Tensor:
    """Return (B,) the loss of raw outputs (B, 1, length) or of single letters (B, 1); letters that are not known count nothing."""
    own = raw.float() if raw.dtype.itemsize < 4 else raw
    seen = target.observed.to(own.dtype)
    values = target.values.nan_to_num().to(own.dtype)
    if plan["target.kind"] == "labels":
        each = F.binary_cross_entropy_with_logits(own, values, reduction="none")
    else:
        each = (own - standardised_tensor(values, plan)) ** 2
    return (each * seen).flatten(1).sum(1) / seen.flatten(1).sum(1).clamp(min=1)
