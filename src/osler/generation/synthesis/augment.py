"""Augmentation that gradients pass through, of real and generated pictures alike (Zhao et al. 2020; Karras et al. 2020).

What the discriminator sees is augmented in both, so it cannot learn few pictures by heart, and the generator does not learn to
draw the augmentation, as each can be undone in distribution.
"""

from __future__ import annotations

import torch
from torch import Tensor

MOVED = 0.125  # of a side, most that a picture is moved
CUT = 0.4  # of a side, what is cut out
BRIGHTER = 0.4  # of the range from -1 to 1, most that is added
STEEPER = 0.5  # most that contrast is raised or lowered by


def augmented(pictures: Tensor, *, share: float, generator: torch.Generator) -> Tensor:
    """Return pictures (B, C, i, j), each step applied to a `share` of them, drawn from `generator`."""
    if share <= 0:
        return pictures
    for step in (lit, moved, cut):
        chosen = torch.rand(len(pictures), 1, 1, 1, generator=generator).to(pictures.device) < share
        changed = step(pictures, generator=generator)
        pictures = changed if share >= 1 else torch.where(chosen, changed, pictures)
    return pictures


def lit(pictures: Tensor, *, generator: torch.Generator) -> Tensor:
    """Return brighter or darker pictures of more or less contrast."""
    draws = torch.rand(2, len(pictures), 1, 1, 1, generator=generator).to(pictures) * 2 - 1
    mean = pictures.mean((1, 2, 3), keepdim=True)
    return (pictures - mean) * (1 + STEEPER * draws[0]) + mean + BRIGHTER * draws[1]


def moved(pictures: Tensor, *, generator: torch.Generator) -> Tensor:
    """Return pictures moved by whole pixels; what comes in is the darkest value, -1."""
    cases, _, high, wide = pictures.shape
    rows = _places(cases, high, generator=generator).to(pictures.device)
    columns = _places(cases, wide, generator=generator).to(pictures.device)
    padded = torch.nn.functional.pad(pictures + 1, (1, 1, 1, 1))  # a rim of nothing, to which all that is outside is clamped
    every = torch.arange(cases, device=pictures.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[every, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2) - 1


def _places(cases: int, side: int, *, generator: torch.Generator) -> Tensor:
    """Return (B, side) from which pixel of the padded picture each pixel comes."""
    most = max(1, round(side * MOVED))
    steps = torch.randint(-most, most + 1, (cases, 1), generator=generator)
    return (torch.arange(side)[None] + 1 + steps).clamp(0, side + 1)


def cut(pictures: Tensor, *, generator: torch.Generator) -> Tensor:
    """Return pictures in each of which a rectangle is grey, 0."""
    inside = torch.ones(len(pictures), 1, 1, 1, dtype=torch.bool, device=pictures.device)
    for axis in (2, 3):
        side = pictures.shape[axis]
        centre = torch.randint(0, side, (len(pictures), 1, 1, 1), generator=generator).to(pictures.device)
        view = [1, 1, 1, 1]
        view[axis] = side
        places = torch.arange(side, device=pictures.device).view(view)
        inside = inside & ((places - centre).abs() < side * CUT / 2)
    return pictures * ~inside
