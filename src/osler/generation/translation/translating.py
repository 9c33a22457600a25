"""A trained translator applied to whole images, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from osler.generation.translation.optimising import autocast
from osler.generation.translation.scale import Scale, ends_of
from osler.generation.translation.slices import stacked, unstacked

AT_ONCE = 1 << 21  # places of the slices that are translated together


@dataclass(frozen=True, slots=True)
class Translating:
    """A translator `module` with the `scales` of both sides, and the `plan` that it was trained by.

    `dtype` is the type of the target's files, to whose values images are rounded; floats stay.
    """

    module: nn.Module
    scales: tuple[Scale, Scale]
    plan: Mapping[str, Any]
    dtype: str
    device: str = "cpu"

    def lifted(self, source: np.ndarray) -> np.ndarray:
        """Return a source image (channels, i, j[, k]) in its file's unit on the network's scale."""
        return lifted(source, self.scales[0])

    def translated(self, raised: np.ndarray) -> np.ndarray:
        """Return the image (channels, i, j[, k]) on the target's scale of a lifted source."""
        slices = torch.from_numpy(stacked(raised, beside=int(self.plan["translation.neighbours"])))
        step = max(1, AT_ONCE // max(1, slices[0, 0].numel()))
        found = [self._of(slices[start : start + step]) for start in range(0, len(slices), step)]
        return unstacked(np.concatenate(found), axes=raised.ndim - 1)

    def valued(self, found: np.ndarray) -> np.ndarray:
        """Return an image on the target's scale in the unit of the study's targets, within the values that their files can hold."""
        values = self.scales[1].lowered(found)
        if np.dtype(self.dtype).kind not in "iu":
            return values
        limits = np.iinfo(self.dtype)
        return np.clip(np.rint(values), limits.min, limits.max).astype(np.float32)

    @torch.no_grad()
    def _of(self, slices: torch.Tensor) -> np.ndarray:
        x = slices.to(self.device)
        mirrors = [int(axis) + 2 for axis in self.plan["translation.mirror"]]
        with autocast(x, self.plan):
            found = self.module(x)
            for axis in mirrors:
                found = found + self.module(x.flip(axis)).flip(axis)
        return np.asarray((found / (1 + len(mirrors))).float().cpu().numpy())


def lifted(image: np.ndarray, scale: Scale) -> np.ndarray:
    """Return an image (channels, i, j[, k]) in its file's unit on the network's scale."""
    return scale.lifted(scale.comparable(image, own=ends_of(image) if scale.how == "case" else np.zeros((len(image), 2))))
