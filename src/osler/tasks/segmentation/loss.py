"""Soft Dice and cross-entropy: what a network of masks is trained on.

Their sum trains masks well whatever their size (Isensee et al. 2021, nnU-Net); Dice is of each case, over labels without the
background. Places that nobody looked at count nothing. With deep supervision the coarser maps have half the weight of the next finer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from osler.core.batch import TargetBatch
from osler.core.marks import UNMARKED
from osler.tasks.segmentation.lookup import classes, exclusive, regions

SMOOTH = 1e-5


def loss(raw: Tensor | tuple[Tensor, ...], target: TargetBatch, *, marks: Mapping[str, Any], together: bool = False) -> Tensor:
    """Return (B,) the loss of raw outputs (B, k, i, j[, k]), of several maps weighted 1, 1/2, 1/4, …; or of lines (B, k) the
    cross-entropy alone. `marks` says what the values of masks mean; Dice is of each case, or of all `together`."""
    raws = raw if isinstance(raw, tuple) else (raw,)
    find = _of_classes if exclusive(marks) else _of_regions
    total, weights = torch.zeros(()), [0.5**depth for depth in range(len(raws))]
    for weight, one in zip(weights, raws, strict=True):
        values, observed = (_resized(t, tuple(one.shape[2:])) for t in (target.values, target.observed))
        total = total.to(one.device) + weight / sum(weights) * find(one, values, observed, marks=marks, together=together)
    return total


def _resized(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return values (B, channels, …) at the places of a coarser map of `shape`: the one at the middle of each of its cells."""
    for axis, size in enumerate(shape, start=2):
        full = values.shape[axis]
        if size != full:
            index = ((torch.arange(size, device=values.device) * 2 + 1) * full) // (2 * size)
            values = values.index_select(axis, index)
    return values


def _of_classes(raw: Tensor, values: Tensor, observed: Tensor, *, marks: Mapping[str, Any], together: bool) -> Tensor:
    table = torch.from_numpy(classes(marks)).to(raw.device)
    number = table[values[:, 0].long()].long()
    seen = observed[:, 0].bool() & (number != UNMARKED)
    number = torch.where(seen, number, 0)
    logs = F.log_softmax(raw.float(), dim=1)
    own = logs.gather(1, number.unsqueeze(1))[:, 0]
    kept = seen.to(logs.dtype)
    entropy = -_sum(own * kept) / _sum(kept).clamp(min=1)
    if raw.ndim == 2:
        return entropy
    chance, right = logs.exp(), own.exp() * kept
    parts = []
    for label in range(1, raw.shape[1]):
        truth = (number == label).to(logs.dtype)
        parts.append(_dice(_sum(right * truth), _sum(chance[:, label] * kept), _sum(truth), together=together))
    return entropy + 1 - torch.stack(parts).mean(dim=0)


def _of_regions(raw: Tensor, values: Tensor, observed: Tensor, *, marks: Mapping[str, Any], together: bool) -> Tensor:
    table, channel = torch.from_numpy(regions(marks)).to(raw.device), marks["channel"]
    entropies, parts, sizes = [], [], []
    for label, at in enumerate(channel):
        number, own = values[:, at].long(), raw[:, label].float()
        kept = (observed[:, at].bool() & (number != UNMARKED)).to(own.dtype)
        truth = table[label][number].to(own.dtype)
        entropies.append(_sum(F.binary_cross_entropy_with_logits(own, truth, reduction="none") * kept))
        sizes.append(_sum(kept))
        if raw.ndim > 2:
            chance = own.sigmoid() * kept
            parts.append(_dice(_sum(chance * truth), _sum(chance), _sum(truth * kept), together=together))
    entropy = torch.stack(entropies).sum(dim=0) / torch.stack(sizes).sum(dim=0).clamp(min=1)
    return entropy + 1 - torch.stack(parts).mean(dim=0) if parts else entropy


def _dice(both: Tensor, chance: Tensor, truth: Tensor, *, together: bool) -> Tensor:
    if together:
        both, chance, truth = (part.sum().expand(len(part)) for part in (both, chance, truth))
    return (2 * both + SMOOTH) / (chance + truth + SMOOTH)


def _sum(values: Tensor) -> Tensor:
    return values if values.ndim == 1 else values.flatten(1).sum(dim=1)
