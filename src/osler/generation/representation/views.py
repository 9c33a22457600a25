"""Two looks at the same cases, by the shape of what is lifted: what differs between them is what a vector shall not tell."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from osler.generation.representation.noise import hidden
from osler.generation.representation.objective import normal, uniform

ASPECT = 0.3  # log of how far a cut-out may be wider than it is high


def view(lifted: Tensor, *, encoder: Any, crop: float, light: float, share: float, generator: torch.Generator) -> Tensor:
    """Return one look at `lifted`: of pictures and volumes a cut-out of at least `crop` of the area, brought back to size and re-lit by up
    to `light` of the spread (Chen et al. 2020); of rows and sequences with `share` of it hidden."""
    if lifted.dim() < 4:
        return hidden(lifted, encoder=encoder, share=share, noise=0.0, generator=generator)
    return relit(cut_out(lifted, crop=crop, generator=generator), light=light, generator=generator)


def cut_out(pictures: Tensor, *, crop: float, generator: torch.Generator) -> Tensor:
    """Return (B, C, i, j[, k]): from each picture a box of `crop` to all of its area, anywhere in it, stretched to the whole."""
    axes, cases = pictures.dim() - 2, len(pictures)
    area = crop + (1 - crop) * uniform((cases, 1), generator=generator, like=pictures)
    skew = ASPECT * (2 * uniform((cases, axes), generator=generator, like=pictures) - 1)
    skew = skew - skew.mean(1, keepdim=True)
    side = (area ** (1 / axes) * torch.exp(skew)).clamp(max=1.0)  # (B, axes), share of the whole
    shift = (1 - side) * (2 * uniform((cases, axes), generator=generator, like=pictures) - 1)
    theta = torch.cat([torch.diag_embed(side), shift[..., None]], dim=2)
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def relit(pictures: Tensor, *, light: float, generator: torch.Generator) -> Tensor:
    """Return the pictures with contrast and brightness changed by up to `light`, some softened, some with grain."""
    shape = (len(pictures), *[1] * (pictures.dim() - 1))
    drawn = uniform((len(pictures), 4), generator=generator, like=pictures)
    factor = torch.exp(math.log1p(light) * (2 * drawn[:, 0] - 1)).reshape(shape)
    level = (light * (2 * drawn[:, 1] - 1)).reshape(shape)
    x = pictures * factor + level
    soft = _softened(x)
    x = torch.where((drawn[:, 2] < 0.3).reshape(shape), soft, x)
    grain = (0.3 * light * drawn[:, 3]).reshape(shape) * normal(tuple(x.shape), generator=generator, like=x)
    return x + grain


def _softened(x: Tensor) -> Tensor:
    """Return the mean of each place and its neighbours."""
    pool = F.avg_pool2d if x.dim() == 4 else F.avg_pool3d
    return pool(x, 3, stride=1, padding=1, count_include_pad=False)
