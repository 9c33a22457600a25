"""Pictures of cases, with what speaks for a prediction drawn over them."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping

import numpy as np

from osler.core.columns import Columns
from osler.modalities.images.case import PIXELS
from osler.modalities.images.encode.canvas import resized, stretched

LARGEST, SMALL = 256, 128  # pixels along a side of what is drawn, with layers and alone
PANEL, GAP, FOOT = 220, 12, 34  # of a drawing, in its own units
FOR, AGAINST, FOCUS = (213, 94, 0), (0, 114, 178), (240, 228, 66)  # told apart by colour-blind readers (Okabe and Ito 2008)
STRONG = 0.995  # quantile of what is drawn at full strength
OPAQUE = 0.85


def picture(columns: Columns, row: int, *, layers: Mapping[str, np.ndarray]) -> str | None:
    """Return an SVG: the picture, and beside it once more under each layer; None where it is absent.

    "attribution" (channels, i, j): orange speaks for, blue against, and the bar below tells the strongest in the unit of the
    score. "focus" (i, j): the more yellow, the more the network looks there.
    """
    if not columns.present[row]:
        return None
    shown = visible(np.asarray(columns[PIXELS])[row], most=LARGEST if layers else SMALL)
    high, wide = shown.shape[:2]
    size = (PANEL, PANEL * high / wide) if wide >= high else (PANEL * wide / high, PANEL)
    ground = encoded(shown)
    foot = FOOT if "attribution" in layers else 0
    parts = [placed(ground, 0, size)]
    for turn, (name, values) in enumerate(layers.items(), start=1):
        left = turn * (size[0] + GAP)
        colours, strongest = signed(values.sum(0)) if name == "attribution" else (looked_at(values), None)
        parts += [placed(ground, left, size), placed(encoded(colours), left, size, smooth=name == "focus")]
        parts += [] if strongest is None else [bar(left, size, strongest)]
    breadth = size[0] + len(layers) * (size[0] + GAP)
    box = f'viewBox="0 0 {breadth:.1f} {size[1] + foot:.1f}" width="{breadth:.0f}" height="{size[1] + foot:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" {box} role="img">{"".join(parts)}</svg>'


def visible(pixels: np.ndarray, *, most: int = LARGEST) -> np.ndarray:
    """Return (i, j) or (i, j, 3) uint8 of a picture (channels, i, j): three channels of 8 bits are colours, others their mean."""
    size = _within(pixels.shape[1:], most=most)
    if len(pixels) == 3 and pixels.dtype == np.uint8:
        return np.moveaxis(resized(pixels, size), 0, -1).round().clip(0, 255).astype(np.uint8)
    grey = resized(pixels.astype(np.float32).mean(0), size)[None]
    low, high = np.quantile(grey, [0.005, 0.995])
    return np.asarray(np.round(255 * stretched(grey, np.array([low]), np.array([high]))[0]).astype(np.uint8))


def _within(sides: tuple[int, ...], *, most: int) -> tuple[int, int]:
    """Return the sides in the same proportion, none larger than `most`."""
    shrink = min(1.0, most / max(sides))
    return max(1, round(sides[0] * shrink)), max(1, round(sides[1] * shrink))


def strong(values: np.ndarray) -> float:
    """Return what is drawn at full strength of an attribution: all but the very highest values lie below."""
    return float(np.quantile(np.abs(values), STRONG)) or float(np.abs(values).max())


def signed(added: np.ndarray, *, strongest: float | None = None) -> tuple[np.ndarray, float]:
    """Return colours (i, j, 4) of an attribution (i, j), and what is drawn at full strength: its own, unless it is given."""
    strongest = strong(added) if strongest is None else strongest
    out = np.zeros((*added.shape, 4), np.uint8)
    out[..., :3] = np.where(added[..., None] > 0, FOR, AGAINST)
    out[..., 3] = np.round(255 * OPAQUE * np.clip(np.abs(added) / max(strongest, 1e-12), 0, 1))
    return out, strongest


def looked_at(values: np.ndarray, *, most: float | None = None) -> np.ndarray:
    """Return colours (i, j, 4) of where a network looks (i, j); `most` is drawn at full strength, unless given its own highest."""
    most = float(values.max()) if most is None else most
    out = np.zeros((*values.shape, 4), np.uint8)
    out[..., :3] = FOCUS
    out[..., 3] = np.round(255 * 0.75 * np.clip(values / max(most, 1e-12), 0, 1))
    return out


def encoded(colours: np.ndarray) -> str:
    """Return a PNG as a data URI."""
    import PIL.Image

    held = io.BytesIO()
    PIL.Image.fromarray(colours).save(held, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"


def placed(image: str, left: float, size: tuple[float, float], *, smooth: bool = False) -> str:
    """Return an SVG's part: an image (a data URI) of `size` (wide, high), `left` from its edge."""
    look = "" if smooth else ' style="image-rendering:pixelated"'
    box = f'x="{left:.1f}" y="0" width="{size[0]:.1f}" height="{size[1]:.1f}"'
    return f'<image {box} preserveAspectRatio="none"{look} href="{image}"/>'


def bar(left: float, size: tuple[float, float], strongest: float) -> str:
    """Return the colour bar under an attribution: from against to for."""
    steps = np.linspace(-1, 1, 41)
    width = size[0] / len(steps)
    top = size[1] + 6
    cells = "".join(
        f'<rect x="{left + at * width:.2f}" y="{top:.1f}" width="{width + 0.3:.2f}" height="8" fill="rgb{FOR if step > 0 else AGAINST}"'
        f' fill-opacity="{OPAQUE * abs(step):.2f}"/>'
        for at, step in enumerate(steps)
    )
    marks = ((left, "start", -strongest), (left + size[0] / 2, "middle", 0.0), (left + size[0], "end", strongest))
    words = "".join(
        f'<text x="{x:.1f}" y="{top + 22:.1f}" font-size="11" text-anchor="{anchor}" fill="currentColor">{value:+.2g}</text>'
        if value else f'<text x="{x:.1f}" y="{top + 22:.1f}" font-size="11" text-anchor="{anchor}" fill="currentColor">0</text>'
        for x, anchor, value in marks
    )  # fmt: skip
    return cells + words
