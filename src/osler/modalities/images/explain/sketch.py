"""What training does to pictures, drawn on a pattern that is no patient's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.modalities.images.case import PIXELS
from osler.modalities.images.explain import encoded, placed

DRAWS = 8
SIDE, PANEL, GAP = 64, 72, 6


def phantom() -> np.ndarray:
    """Return (SIDE, SIDE) uint8: an oval with two dark fields, a grid, and an F by which a mirror image is told."""
    at = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    down, across = at[:, None], at[None, :]
    out = np.where((across / 0.85) ** 2 + (down / 0.92) ** 2 < 1, 150.0, 25.0)
    for side in (-1, 1):
        out = np.where(((across - 0.36 * side) / 0.26) ** 2 + ((down + 0.08) / 0.5) ** 2 < 1, 70.0, out)
    out += np.where((np.arange(SIDE)[:, None] % 16 == 8) | (np.arange(SIDE)[None] % 16 == 8), 22.0, 0.0)
    letter = np.zeros((SIDE, SIDE), bool)
    letter[8:20, 14:16] = letter[8:10, 14:22] = letter[13:15, 14:20] = True
    return np.where(letter, 235.0, out).astype(np.uint8)


def sketch(plan: Mapping[str, Any]) -> str | None:
    """Return an SVG: the pattern, and beside it DRAWS times as a training step may see it; None where nothing is changed."""
    import torch

    from osler.modalities.images.augment import augment

    pattern = phantom()
    pixels = torch.from_numpy(np.repeat(pattern[None, None], DRAWS, axis=0))
    moved = augment({PIXELS: pixels}, warps={PIXELS: "linear"}, plan=plan, generator=torch.Generator().manual_seed(0))
    shown = moved[PIXELS].float().clamp(0, 255).round().to(torch.uint8).numpy()[:, 0]
    if (np.abs(shown.astype(int) - pattern) <= 1).all():
        return None
    parts = [placed(encoded(one), turn * (PANEL + GAP), (PANEL, PANEL)) for turn, one in enumerate((pattern, *shown))]
    width = (DRAWS + 1) * (PANEL + GAP) - GAP
    box = f'viewBox="0 0 {width} {PANEL}" width="{width}" height="{PANEL}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" {box} role="img">{"".join(parts)}</svg>'
