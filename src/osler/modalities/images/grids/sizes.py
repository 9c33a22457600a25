"""The ladder of sizes of a network over windows, from shape, spacing and device. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from osler.core.plan import Brief, Decision, Rung

SMALLEST = 4  # places along an axis in the coarsest maps (nnU-Net: Isensee et al. 2021)
APART = (
    2.0  # times coarser than the finest: an axis is not halved, and filters do not reach along it, until the others are as coarse
)
WIDEST = {2: 512, 3: 320}  # channels
PLACES = {2: 1 << 17, 3: 1 << 17}  # of all windows of a batch together
BATCH = {2: (4, 32), 3: (2, 8)}  # many small steps learn faster than few large ones (docs/lab.md)

# name, places of a window (2 axes, 3 axes), channels of the finest maps, residual units per stage, stages, whether a processor takes it;
# channels in sixteens, as processors filter them: 12 take as long as 16 (docs/lab.md)
_SIZES = (
    ("tiny", 128**2, 48**3, 16, 1, 5, True),
    ("small", 160**2, 64**3, 16, 2, 5, True),
    ("medium", 192**2, 80**3, 32, 1, 6, True),
    ("large", 256**2, 96**3, 32, 2, 6, True),
    ("huge", 512**2, 128**3, 32, 2, 7, False),
)


def ladder(brief: Brief) -> tuple[Rung, ...]:
    """Return the sizes from small to large; the largest only where there is an accelerator."""
    shape = [float(s) for s in brief.facts["shape"]]
    spacing = [float(s) for s in brief.facts["spacing"]]
    processor = brief.device == "cpu"
    return tuple(
        Rung(name, decided(shape, spacing, places=two if len(shape) == 2 else three, width=width, depth=depth, stages=stages))
        for name, two, three, width, depth, stages, small in _SIZES
        if small or not processor
    )


def decided(
    shape: Sequence[float], spacing: Sequence[float], *, places: int, width: int, depth: int, stages: int
) -> tuple[Decision, ...]:
    """Return window, steps from stage to stage, filters, channels and depth of one size."""
    patch, strides, filters = planned(shape, spacing, places=places, stages=stages)
    widths = [min(WIDEST[len(shape)], width << stage) for stage in range(len(strides))]
    return (
        Decision("patch", patch, f"of a typical case of {' × '.join(f'{s:.0f}' for s in shape)}; what the network sees at once"),
        Decision("strides", strides, "from each stage to the next; coarse axes are halved once the others are as coarse"),
        Decision("filters", filters, "of each stage; 1 along an axis much coarser than the others"),
        Decision("widths", widths, "channels of each stage"),
        Decision("depth", depth, "residual units per stage"),
    )


def batch_of(shape: Sequence[float]) -> int:
    """Return how many windows a step takes: about as many places for all studies, by a typical `shape` and the window of a middle size."""
    axes = len(shape)
    least, most = BATCH[axes]
    places = min(math.prod(shape), {2: 160**2, 3: 64**3}[axes])
    return int(min(most, max(least, round(PLACES[axes] / max(1.0, places)))))


def planned(
    shape: Sequence[float], spacing: Sequence[float], *, places: int, stages: int
) -> tuple[list[int], list[list[int]], list[list[int]]]:
    """Return the window (axes,), and of each stage the steps and the filters (axes,), for a typical `shape` and its `spacing`.

    In the spirit of nnU-Net: the window begins as the whole case and is cut along its longest axis until it holds at most so
    many `places`; an axis is halved while it has 2 × SMALLEST places and is not APART coarser than the finest.

    >>> planned([36, 50, 35], [1, 1, 1], places=48**3, stages=5)
    ([40, 56, 40], [[1, 1, 1], [2, 2, 2], [2, 2, 2], [2, 2, 2]], [[3, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]])
    """
    sides = [max(1.0, s) for s in shape]
    while math.prod(_whole(sides, spacing, stages)[0]) > places and max(sides) > 1:
        longest = max(range(len(sides)), key=lambda a: sides[a] * spacing[a] ** 0.5)
        sides[longest] *= 0.95
    return _whole(sides, spacing, stages)


def _whole(
    sides: Sequence[float], spacing: Sequence[float], stages: int
) -> tuple[list[int], list[list[int]], list[list[int]]]:  # fmt: skip
    now, fine = [float(s) for s in sides], [float(s) for s in spacing]
    strides, filters = [[1] * len(now)], [_filter(fine, now)]
    while len(strides) < stages:
        step = [2 if n >= 2 * SMALLEST and f < APART * min(fine) else 1 for n, f in zip(now, fine, strict=True)]
        if max(step) == 1:
            break
        now, fine = [n / s for n, s in zip(now, step, strict=True)], [f * s for f, s in zip(fine, step, strict=True)]
        strides.append(step)
        filters.append(_filter(fine, now))
    total = [math.prod(s[axis] for s in strides) for axis in range(len(now))]
    patch = [max(1, math.ceil(round(side) / t)) * t for side, t in zip(sides, total, strict=True)]
    return patch, strides, filters


def _filter(fine: Sequence[float], now: Sequence[float]) -> list[int]:
    return [3 if f < APART * min(fine) and n > 1 else 1 for f, n in zip(fine, now, strict=True)]
