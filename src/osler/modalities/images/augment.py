"""Pictures moved and re-lit in training: one resampling for a whole batch, on its device.

All is drawn first, from the generator of the step; then every field is moved by its warp, so that what lies on the picture's
grid moves with it. Two axes (i, j) or three (i, j, k).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from osler.modalities.images.case import PIXELS

FLIPPED = {"none": (), "horizontal": (-1,), "both": (-1, -2), "left-right": (-3,)}  # axes, from the last
FLAT = 1e-6  # range of a picture of one grey


@dataclass(frozen=True, slots=True)
class Motion:
    """Where each place of a moved picture comes from: `matrix` (B, d, d) and `shift` (B, d), axes in the order of the picture,
    in coordinates that go from -1 to 1 across each axis."""

    matrix: Tensor
    shift: Tensor

    def to_source(self, places: Tensor) -> Tensor:
        """Return where `places` (B, …, d) come from."""
        flat = places.flatten(1, -2)
        return (flat @ self.matrix.transpose(1, 2) + self.shift[:, None]).view_as(places)

    def to_target(self, places: Tensor) -> Tensor:
        """Return where `places` (B, …, d) go."""
        flat = places.flatten(1, -2) - self.shift[:, None]
        return torch.linalg.solve(self.matrix, flat.transpose(1, 2)).transpose(1, 2).reshape(places.shape)


def augment(
    fields: dict[str, Tensor], *, warps: Mapping[str, str], plan: Mapping[str, Any], generator: torch.Generator
) -> dict[str, Tensor]:
    """Return the batch moved and re-lit; pixels become float32 in the range that they had."""
    pixels = fields[PIXELS]
    motion = drawn(len(pixels), size=pixels.shape[2:], plan=plan, generator=generator)
    moved = {name: warped(values, motion, warp=warps[name], size=pixels.shape[2:]) for name, values in fields.items()}
    moved[PIXELS] = relit(moved[PIXELS], plan=plan, generator=generator)
    return moved


def drawn(cases: int, *, size: torch.Size, plan: Mapping[str, Any], generator: torch.Generator) -> Motion:
    """Return a motion for each case: turned by up to `rotate` degrees, `scale` and `shear` up to a share, shifted up to a share
    of the picture, each evenly spread, and mirrored as `flip` allows."""
    axes, device = len(size), generator.device

    def even(*shape: int) -> Tensor:
        return 2 * torch.rand(*shape, generator=generator, device=device) - 1

    linear = torch.diag_embed(
        torch.exp(math.log1p(plan["scale"]) * even(cases, 1) + 0.5 * math.log1p(plan["scale"]) * even(cases, axes))
    )
    angle, shear = math.radians(plan["rotate"]) * even(cases), plan["shear"] * even(cases)
    linear = linear @ _plane(angle, shear, axes=axes)
    for plane in ((0, 2), (1, 2)) if axes == 3 and plan.get("tilt") else ():
        linear = linear @ _turned(math.radians(plan["tilt"]) * even(cases), plane=plane)
    for axis in FLIPPED[plan["flip"]]:
        sign = torch.where(torch.rand(cases, generator=generator, device=device) < 0.5, -1.0, 1.0)
        linear[:, axis % axes] *= sign[:, None]
    # turns are of the picture as it is seen, not of the square of coordinates; of volumes, of millimetres
    aspect = plan.get("aspect") or [1.0] * axes
    sides = torch.tensor([float(s * a) for s, a in zip(size, aspect, strict=True)], device=device)
    return Motion(linear * (sides[None, :] / sides[:, None]), 2 * plan["shift"] * even(cases, axes))


def _plane(angle: Tensor, shear: Tensor, *, axes: int) -> Tensor:
    """Return (B, d, d): a turn and a shear in the plane of the first two axes: of a picture, or of an axial slice."""
    whole = torch.eye(axes, device=angle.device).repeat(len(angle), 1, 1)
    turn = torch.stack([torch.cos(angle), -torch.sin(angle), torch.sin(angle), torch.cos(angle)], dim=1).view(-1, 2, 2)
    slant = torch.eye(2, device=angle.device).repeat(len(angle), 1, 1)
    slant[:, 0, 1] = shear
    whole[:, :2, :2] = turn @ slant
    return whole


def _turned(angle: Tensor, *, plane: tuple[int, int]) -> Tensor:
    """Return (B, 3, 3): a turn in a plane of a volume."""
    whole = torch.eye(3, device=angle.device).repeat(len(angle), 1, 1)
    first, second = plane
    whole[:, first, first] = whole[:, second, second] = torch.cos(angle)
    whole[:, first, second], whole[:, second, first] = -torch.sin(angle), torch.sin(angle)
    return whole


def warped(values: Tensor, motion: Motion, *, warp: str, size: torch.Size) -> Tensor:
    """Return a field moved by its warp: grids (B, C, …) or (B, …) by `linear` or `nearest`, `points` (B, n, d) in index units."""
    if warp == "none":
        return values
    if warp == "points":
        sides = torch.tensor([float(s) for s in size], device=values.device)
        places = motion.to_target((2 * values.float() + 1) / sides - 1)
        return ((places + 1) * sides - 1) / 2
    lacks = values.dim() == len(size) + 1
    grid = values[:, None] if lacks else values
    # affine_grid wants the axes the other way round: j before i
    matrix = torch.cat([motion.matrix.flip(1, 2), motion.shift.flip(1)[..., None]], dim=2)
    places = F.affine_grid(matrix, [len(grid), 1, *grid.shape[2:]], align_corners=False)
    mode = "bilinear" if warp == "linear" else "nearest"
    moved = F.grid_sample(
        grid.float(), places, mode=mode, padding_mode="border" if warp == "linear" else "zeros", align_corners=False
    )
    moved = moved if warp == "linear" else moved.to(values.dtype)
    return moved[:, 0] if lacks else moved


def relit(pixels: Tensor, *, plan: Mapping[str, Any], generator: torch.Generator) -> Tensor:
    """Return (B, C, …) with each picture's greys bent by `gamma`, spread by `contrast` and shifted by `brightness` (shares of
    the picture's range), grained by `noise`, and a part of it, `erase` of each side, made flat in every second picture."""
    cases, axes = len(pixels), tuple(range(1, pixels.dim()))
    one = (cases, *[1] * len(axes))

    def even(*shape: int) -> Tensor:
        return 2 * torch.rand(*shape, generator=generator, device=generator.device) - 1

    bend, spread, light = (even(*one) for _ in range(3))
    low, high = pixels.amin(axes, keepdim=True), pixels.amax(axes, keepdim=True)
    width = (high - low).clamp_min(FLAT)
    lit = ((pixels - low) / width).pow(torch.exp(math.log1p(plan["gamma"]) * bend)) if plan["gamma"] else (pixels - low) / width
    middle = lit.mean(axes, keepdim=True)
    lit = middle + (lit - middle) * (1 + plan["contrast"] * spread) + plan["brightness"] * light
    if plan["noise"]:
        amount = plan["noise"] * torch.rand(*one, generator=generator, device=generator.device)
        lit = lit + amount * torch.randn(pixels.shape, generator=generator, device=generator.device)
    if plan["erase"]:
        lit = torch.where(_patch(pixels.shape, side=plan["erase"], generator=generator), middle, lit)
    return low + lit * width


def _patch(shape: torch.Size, *, side: float, generator: torch.Generator) -> Tensor:
    """Return (B, 1, …) bool: a box in half of the cases (Zhong et al. 2017; DeVries & Taylor 2017)."""
    device, cases = generator.device, shape[0]
    inside = torch.rand(cases, *[1] * (len(shape) - 1), generator=generator, device=device) < 0.5
    for axis in range(2, len(shape)):
        centre = torch.rand(cases, *[1] * (len(shape) - 1), generator=generator, device=device)
        place = (torch.arange(shape[axis], device=device) + 0.5) / shape[axis]
        view = [1] * len(shape)
        view[axis] = shape[axis]
        inside = inside & ((place.view(view) - centre).abs() < side / 2)
    return inside
