"""Windows moved and re-lit in training: one resampling for a batch, from wider windows, so that nothing is missing at the rims."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from osler.modalities.images.grids.case import MASK, UNMARKED, VOLUME


def augment(fields: dict[str, Tensor], *, plan: Mapping[str, Any], generator: torch.Generator) -> dict[str, Tensor]:
    """Return the batch with every field cut to the plan's patch, moved alike; volumes become float32 in the unit that they had."""
    volumes = fields[VOLUME]
    patch = tuple(int(p) for p in plan["patch"])
    places = places_of(len(volumes), wide=tuple(volumes.shape[2:]), patch=patch, plan=plan, generator=generator)
    out = dict(fields)
    out[VOLUME] = relit(_sampled(volumes.float(), places, mode="bilinear"), plan=plan, generator=generator)
    if MASK in fields:
        # 1 is added and taken away, so that what lies outside all windows becomes unmarked
        moved = _sampled(fields[MASK].float() - UNMARKED, places, mode="nearest", outside="zeros")
        out[MASK] = (moved + UNMARKED).to(torch.uint8)
    return out


def places_of(
    cases: int, *, wide: tuple[int, ...], patch: tuple[int, ...], plan: Mapping[str, Any], generator: torch.Generator
) -> Tensor:
    """Return (B, *patch, axes): where each place of the moved patch comes from in the wide window, as `grid_sample` wants it.

    Turned by up to `rotate` degrees about each axis, larger or smaller by up to `scale`, turned over along the axes of `mirror` in
    half of the cases. Turns are of millimetres: `aspect` is the spacing of each axis over the finest.
    """
    axes, device = len(patch), generator.device

    def even(*shape: int) -> Tensor:
        return 2 * torch.rand(*shape, generator=generator, device=device) - 1

    grow = torch.exp(-math.log1p(plan["scale"]) * even(cases, 1).expand(cases, axes))
    linear = torch.diag_embed(grow) @ _turned(cases, axes=axes, plan=plan, draw=even)
    aspect = torch.tensor([float(a) for a in plan["aspect"]], device=device)
    linear = linear * aspect[None, None, :] / aspect[None, :, None]
    for axis in plan["mirror"]:
        linear[:, :, axis] *= torch.where(torch.rand(cases, generator=generator, device=device) < 0.5, -1.0, 1.0)[:, None]
    offsets = [torch.arange(side, device=device) - (side - 1) / 2 for side in patch]
    grid = torch.stack(torch.meshgrid(*offsets, indexing="ij"), dim=-1).reshape(-1, axes)
    found = grid @ linear.transpose(1, 2)  # in places of the wide window, from its middle
    half = torch.tensor([side / 2 for side in wide], device=device)
    return (found / half).flip(-1).view(cases, *patch, axes)


def _turned(cases: int, *, axes: int, plan: Mapping[str, Any], draw: Any) -> Tensor:
    """Return (B, axes, axes): a turn in each plane that the plan allows."""
    whole = torch.eye(axes).repeat(cases, 1, 1)
    for first, second in ((0, 1), (0, 2), (1, 2)) if axes == 3 else ((0, 1),):
        most = plan["rotate"] if (first, second) == (0, 1) else plan["tilt"]
        angle = math.radians(most) * draw(cases)
        turn = torch.eye(axes, device=angle.device).repeat(cases, 1, 1)
        turn[:, first, first] = turn[:, second, second] = torch.cos(angle)
        turn[:, first, second], turn[:, second, first] = -torch.sin(angle), torch.sin(angle)
        whole = whole.to(turn.device) @ turn
    return whole


def _sampled(values: Tensor, places: Tensor, *, mode: str, outside: str = "border") -> Tensor:
    return F.grid_sample(values, places, mode=mode, padding_mode=outside, align_corners=False)


def relit(volumes: Tensor, *, plan: Mapping[str, Any], generator: torch.Generator) -> Tensor:
    """Return (B, C, …) with each channel's intensities bent by `gamma`, spread by `contrast`, shifted by `brightness` and grained by
    `noise`, all in units of the window's range from its mean to three times its spread."""
    shape = (*volumes.shape[:2], *[1] * (volumes.dim() - 2))

    def even() -> Tensor:
        return 2 * torch.rand(shape, generator=generator, device=generator.device) - 1

    spread, middle = torch.std_mean(volumes, dim=tuple(range(2, volumes.dim())), keepdim=True)
    width = 6 * spread + 1e-6
    lit = (volumes - middle) / width
    if plan["gamma"]:
        share = (lit + 0.5).clamp(0, 1)
        lit = lit + share.pow(torch.exp(math.log1p(plan["gamma"]) * even())) - share
    lit = lit * (1 + plan["contrast"] * even()) + plan["brightness"] * even()
    if plan["noise"]:
        amount = plan["noise"] * torch.rand(shape, generator=generator, device=generator.device)
        lit = lit + amount * torch.randn(lit.shape, generator=generator, device=generator.device)
    return middle + lit * width
