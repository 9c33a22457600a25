"""Slices of a volume along three axes, with what speaks for a prediction drawn over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from osler.core.columns import Columns
from osler.modalities.images.case import PIXELS
from osler.modalities.images.explain import FOOT, GAP, PANEL, bar, encoded, looked_at, signed, strong
from osler.modalities.images.explain.marked import CUT, LETTERS, Slice, lettered, sliced, turned
from osler.modalities.images.volumes.case import FRAME, Frame


def picture(columns: Columns, row: int, *, layers: Mapping[str, np.ndarray]) -> str | None:
    """Return an SVG: the axial, coronal and sagittal slice side by side, and under them once more with each layer; None where the case
    is absent. They are cut where an attribution is strongest, else in the middle.

    "attribution" (channels, i, j, k): orange speaks for, blue against, and the bar below tells the strongest in the unit of the
    score. "focus" (i, j, k): the more yellow, the more the network looks there.
    """
    if not columns.present[row]:
        return None
    values, frame = np.asarray(columns[PIXELS][row]), Frame.of(np.asarray(columns[FRAME][row]))
    shown = {name: grid.sum(0) if name == "attribution" else grid for name, grid in layers.items()}
    places = cuts(shown.get("attribution"), values.shape[1:])
    grounds = _grounds(values, places, spacing=frame.spacing(), letters=frame.placed)
    wide = sum(one.size[0] for one in grounds) + GAP * (len(grounds) - 1)
    high = max(one.size[1] for one in grounds)
    parts, top = [_row(grounds, None, top=0.0)], high + GAP
    for name, grid in shown.items():
        overlays, strongest = _overlays(name, grid, places, values.shape[1:])
        parts.append(_row(grounds, overlays, top=top))
        if strongest is not None:
            parts.append(f'<g transform="translate(0 {top:.1f})">{bar(0.0, (wide, high), strongest)}</g>')
            top += FOOT
        top += high + GAP
    box = f'viewBox="0 0 {wide:.1f} {top - GAP:.1f}" width="{wide:.0f}" height="{top - GAP:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" {box} role="img">{"".join(parts)}</svg>'


def cuts(added: np.ndarray | None, shape: Sequence[int]) -> tuple[int, ...]:
    """Return where along each axis a volume of `shape` is cut: where the most is added, for or against, else in the middle."""
    if added is None or not np.any(added):
        return tuple(n // 2 for n in shape)
    strength = [np.abs(added).sum(tuple(a for a in range(3) if a != axis)) for axis in range(3)]
    return tuple(int((one.argmax() + 0.5) * n / len(one)) for one, n in zip(strength, shape, strict=True))


def _grounds(values: np.ndarray, places: Sequence[int], *, spacing: np.ndarray, letters: bool) -> list[Slice]:
    scale = PANEL / max(n * s for n, s in zip(values.shape[1:], spacing, strict=True))
    found = []
    for axis in CUT:
        rest = [float(s) for at, s in enumerate(spacing) if at != axis]
        cut = turned(values.take(places[axis], axis=axis + 1))
        found.append(sliced(cut, None, None, spacing=rest[::-1], scale=scale, letters=LETTERS[axis] if letters else ""))
    return found


def _overlays(name: str, grid: np.ndarray, places: Sequence[int], shape: Sequence[int]) -> tuple[list[np.ndarray], float | None]:
    """Return the colours (rows, columns, 4) over each slice, and what an attribution's strongest colour stands for."""
    at = [min(side - 1, int((p + 0.5) * side / n)) for p, side, n in zip(places, grid.shape, shape, strict=True)]
    flat = [turned(grid.take(at[axis], axis=axis)[None])[0] for axis in CUT]
    if name == "attribution":
        strongest = strong(np.concatenate([one.ravel() for one in flat])) or strong(grid)
        return [signed(one, strongest=strongest)[0] for one in flat], strongest
    most = float(grid.max())
    return [looked_at(one, most=most) for one in flat], None


def _row(grounds: Sequence[Slice], overlays: Sequence[np.ndarray] | None, *, top: float) -> str:
    parts, left = [], 0.0
    for turn, one in enumerate(grounds):
        wide, high = one.size
        images = [encoded(one.ground)] + ([] if overlays is None else [encoded(np.ascontiguousarray(overlays[turn]))])
        drawn = "".join(
            f'<image x="0" y="0" width="{wide:.1f}" height="{high:.1f}" preserveAspectRatio="none"'
            f' style="image-rendering:pixelated" href="{image}"/>'
            for image in images
        )
        parts.append(f'<g transform="translate({left:.1f} {top:.1f})">{drawn}{lettered(one)}</g>')
        left += wide + GAP
    return "".join(parts)
