"""What translated slices are told apart from real ones by, as losses (B,)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from osler.generation.translation.similarity import K1, K2, SIGMA

SPAN = 2.0  # of the network's scale, −1 to 1
RADIUS = 5  # of the window of structural similarity: 11 × 11 places


def absolute(found: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Return (B,): the mean absolute error of slices (B, C, i, j), each place counted by `weight` (B, 1, i, j)."""
    away = (found - truth).abs().mean(1, keepdim=True)
    return (away * weight).flatten(1).sum(1) / weight.flatten(1).sum(1).clamp_min(1e-6)


def unlikeness(found: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Return (B,): one minus structural similarity (Wang et al. 2004), as `similarity.structural` has it but at rims; a loss after
    Zhao et al. 2017 (doi:10.1109/TCI.2016.2644865)."""
    here, there = _weighed(found), _weighed(truth)
    squares = _weighed(found * found) - here * here + _weighed(truth * truth) - there * there
    together = _weighed(found * truth) - here * there
    small, large = (K1 * SPAN) ** 2, (K2 * SPAN) ** 2
    above = (2 * here * there + small) * (2 * together + large)
    likeness = above / ((here * here + there * there + small) * (squares + large))
    away = (1 - likeness).mean(1, keepdim=True)
    return (away * weight).flatten(1).sum(1) / weight.flatten(1).sum(1).clamp_min(1e-6)


def _weighed(slices: Tensor) -> Tensor:
    channels, high, wide = slices.shape[1:]
    down, across = (_window(min(RADIUS, (side - 1) // 2 or 0), like=slices) for side in (high, wide))
    padded = F.pad(slices, (len(across) // 2, len(across) // 2, len(down) // 2, len(down) // 2), mode="replicate")
    rows = F.conv2d(padded, down.reshape(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
    return F.conv2d(rows, across.reshape(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)


def _window(radius: int, *, like: Tensor) -> Tensor:
    away = torch.arange(-radius, radius + 1, device=like.device, dtype=like.dtype)
    weights = torch.exp(-0.5 * (away / SIGMA) ** 2)
    return weights / weights.sum()


def judged(patches: Tensor, *, real: bool) -> Tensor:
    """Return (B,): how far the critic's answers lie from what they should be, 1 for real patches and 0 for made ones (least squares,
    Mao et al. 2017, whose gradient does not vanish where the critic is sure)."""
    return (patches - float(real)).square().flatten(1).mean(1)


def weights_of(source: Tensor, target: Tensor | None, *, known: Tensor, share: float, air: float) -> Tensor:
    """Return (B, 1, i, j): 1 where the source or the target lies above `share` of the scale, `air` elsewhere, 0 where nothing is
    `known`; everywhere 1 where `share` is 0."""
    if share <= 0:
        return known.float()
    bright = source.amax(1, keepdim=True)
    if target is not None:
        bright = torch.maximum(bright, target.amax(1, keepdim=True))
    body = F.max_pool2d((bright > SPAN * share - 1).float(), 3, stride=1, padding=1)
    return (air + (1 - air) * body) * known.float()
