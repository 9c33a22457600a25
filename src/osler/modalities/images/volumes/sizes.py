"""The ladder of sizes, from the volumes' size, spacing and number. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from osler.core.plan import Brief, Decision, Rung
from osler.modalities.images.volumes.view import WHOLE, viewed

LAST = 3.5  # least side of the last maps

# name, fewest cases, longest side that is seen, side of the first maps, width, units per stage, whether a processor takes it;
# in three axes, and in slices
_WHOLE = (
    ("tiny", 0, 32, 16, 16, 1, True),
    ("small", 0, 48, 24, 16, 1, True),
    ("medium", 0, 64, 32, 24, 1, True),
    ("large", 0, 96, 32, 32, 1, True),
    ("huge", 1_000, 128, 48, 48, 2, False),
)
_SLICES = (
    ("tiny", 0, 48, 12, 24, 1, True),
    ("small", 0, 64, 16, 32, 1, True),
    ("medium", 0, 96, 16, 48, 1, True),
    ("large", 0, 96, 32, 48, 2, True),
    ("huge", 1_000, 224, 32, 64, 2, False),
)


def ladder(brief: Brief) -> tuple[Rung, ...]:
    """Return the sizes from small to large, as far as the volumes can feed them; the largest only where there is an accelerator."""
    view, axis = (brief.settings.get(d.name, d.value) for d in viewed(brief))
    shape, spacing = [int(s) for s in brief.facts["shape"][1:]], [float(s) for s in brief.facts["spacing"]]
    across = tuple(a for a in range(3) if view == WHOLE or a != axis)
    return tuple(
        Rung(name, _decisions(shape, spacing, across=across, longest=longest, first=first, width=width, depth=depth))
        for name, least, longest, first, width, depth, small in (_WHOLE if view == WHOLE else _SLICES)
        if brief.cases >= least and (small or brief.device != "cpu")
    )


def _decisions(
    stored: Sequence[int], spacing: Sequence[float], *, across: tuple[int, ...], longest: int, first: int, width: int, depth: int
) -> tuple[Decision, ...]:
    size = seen(stored, spacing, longest=longest)
    filtered = sorted(size[a] for a in across)
    middle = filtered[len(filtered) // 2] if len(filtered) == 3 else filtered[0]  # a thin axis must not keep the others coarse
    halvings = max(0, round(math.log2(max(1, middle) / first)))
    side = math.ceil(middle / 2**halvings)
    stages = 1 + max(0, math.floor(math.log2(max(1.0, side / LAST))))
    whole = "as stored" if size == list(stored) else f"of {' × '.join(map(str, stored))}, means of parts"
    return (
        Decision("input_size", size, f"what the network sees, {whole}"),
        Decision("halvings", halvings, f"of the volume before the first stage, which then sees {side} across"),
        Decision("stages", stages, f"each half as fine as the one before; the last sees {math.ceil(side / 2 ** (stages - 1))} across"),
        Decision("width", width, "channels of the first stage, doubled at each"),
        Decision("depth", depth, "residual units per stage"),
    )  # fmt: skip


def seen(stored: Sequence[int], spacing: Sequence[float], *, longest: int) -> list[int]:
    """Return the size with no side over `longest`: fine axes give first, until all are as coarse. One that is little larger is taken as
    it is.

    >>> seen([96, 96, 24], [2.0, 2.0, 5.0], longest=48), seen([40, 56, 44], [1.0, 1.0, 1.0], longest=48)
    ([48, 48, 24], [40, 56, 44])
    """
    if max(stored) * 0.75 <= longest:
        return list(stored)
    extents = [n * s for n, s in zip(stored, spacing, strict=True)]
    least = max(e / longest for e, n in zip(extents, stored, strict=True) if n > longest)
    return [min(n, max(1, round(e / max(s, least)))) for n, e, s in zip(stored, extents, spacing, strict=True)]
