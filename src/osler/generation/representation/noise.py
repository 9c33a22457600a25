"""What of a lifted case is hidden before it is restored, by the shape of what is lifted."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from osler.generation.representation.objective import normal, uniform

PATCHES = 7  # along each axis of a picture


def hidden(lifted: Tensor, *, encoder: Any, share: float, noise: float, generator: torch.Generator) -> Tensor:
    """Return `lifted` with about `share` of each case hidden, and grain of `noise` on what is continuous.

    Pictures lose patches, which become their mean grey 0 (He et al. 2022); rows get the values of other rows of the batch in some columns
    (Vincent et al. 2008; Yoon et al. 2020); sequences lose runs of letters, which become unknown.
    """
    if lifted.dim() == 2:
        return _swapped(lifted, encoder.owner, share=share, generator=generator)
    if lifted.dim() == 3:
        return lifted * (~_runs(lifted, share=share, generator=generator)).to(lifted.dtype)[..., None]
    kept = _patches(lifted, share=share, generator=generator)
    grain = noise * normal(tuple(lifted.shape), generator=generator, like=lifted) if noise else 0.0
    return lifted * kept + grain


def weights(lifted: Tensor, *, encoder: Any) -> Tensor:
    """Return how much each lifted float counts, shaped as `lifted` or so that it spreads over it: each column of a row alike,
    however many floats it has; of a sequence what is there."""
    if lifted.dim() == 2:
        owner = encoder.owner
        return 1.0 / torch.bincount(owner, minlength=int(owner.max()) + 1).clamp_min(1)[owner].to(lifted.dtype)
    if lifted.dim() == 3:
        return (lifted != 0).any(2, keepdim=True).to(lifted.dtype)
    return torch.ones((), dtype=lifted.dtype, device=lifted.device)


def _swapped(lifted: Tensor, owner: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    columns = int(owner.max()) + 1 if len(owner) else 0
    drawn = uniform((len(lifted), columns), generator=generator, like=lifted) < share
    other = torch.randperm(len(lifted), generator=generator).to(lifted.device)
    return torch.where(drawn[:, owner], lifted[other], lifted)


def _runs(lifted: Tensor, *, share: float, generator: torch.Generator, length: int = 8) -> Tensor:
    """Return (B, L) bool: runs of `length` letters that are hidden."""
    starts = uniform((len(lifted), 1, lifted.shape[1]), generator=generator, like=lifted) < share / length
    return F.max_pool1d(starts.float(), length, 1, length // 2)[..., : lifted.shape[1]][:, 0] > 0


def _patches(lifted: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """Return (B, 1, i, j[, k]) floats: 0 in patches that are hidden, else 1."""
    size = lifted.shape[2:]
    coarse = uniform((len(lifted), 1, *(min(PATCHES, side) for side in size)), generator=generator, like=lifted) >= share
    return F.interpolate(coarse.to(lifted.dtype), size=tuple(size))
