"""From columns to batches: pictures by index, in the size that the network sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from osler.core.columns import Columns
from osler.modalities.images.case import PIXELS

AT_ONCE = 1 << 24  # pixels that are made floats together


def gather(columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], names: Sequence[str]) -> dict[str, Tensor]:
    """Return the fields `names` of `rows` (B, …) in their own type; pixels as float32 where `input_size` is less than what
    is stored: each is then the mean of those that it stands for."""
    out: dict[str, Tensor] = {}
    for name in names:
        values = torch.from_numpy(np.ascontiguousarray(np.asarray(columns[name])[rows]))
        out[name] = shrunk(values, size=plan["input_size"]) if name == PIXELS else values
    return out


def shrunk(pixels: Tensor, *, size: Sequence[int]) -> Tensor:
    """Return (B, C, *size) float32 means of areas, or `pixels` as they are where they have this size."""
    if tuple(pixels.shape[2:]) == tuple(size) or not len(pixels):
        return pixels
    many = max(1, AT_ONCE // max(1, pixels[0].numel()))
    return torch.cat([F.interpolate(part.float(), tuple(size), mode="area") for part in pixels.split(many)])
