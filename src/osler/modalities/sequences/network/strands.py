"""The other strand, as tensors."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

from osler.modalities.sequences.read.alphabet import complement, profile


@functools.cache
def complements(device: torch.device) -> Tensor:
    """Return (256,) uint8 the code of the opposite base of each code."""
    return torch.from_numpy(complement(np.arange(256, dtype=np.uint8))).to(device)


def centred(alphabet: str) -> Tensor:
    """Return by code (256, letters) how likely each letter is, less the even share of all.

    N is zeros then, as are places behind the end: a network sees no difference between an unknown letter and none, and attributions
    tell what a letter adds to not knowing it.
    """
    table = torch.from_numpy(profile(alphabet))
    known = table.sum(1, keepdim=True) > 0
    return torch.where(known, table - 1 / table.shape[1], 0.0)


def turned(lifted: Tensor, lengths: Tensor) -> Tensor:
    """Return `lifted` (B, longest, 4) of the other strands: backwards inside each length (B,), A for T and C for G."""
    return backwards(lifted.flip(2), lengths)


def backwards(lines: Tensor, lengths: Tensor) -> Tensor:
    """Return `lines` (B, longest, C) backwards inside each length (B,), zeros behind it."""
    if bool((lengths == lines.shape[1]).all()):
        return lines.flip(1)
    source = lengths[:, None] - 1 - torch.arange(lines.shape[1], device=lines.device)
    inside = source >= 0
    return lines.gather(1, source.clamp(min=0)[..., None].expand_as(lines)) * inside[..., None]
