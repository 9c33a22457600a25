"""The ladder of sizes, from the pictures' size and number. Pure."""

from __future__ import annotations

import math

from osler.core.plan import Brief, Decision, Rung

LAST = 3.5  # least side of the last maps

# name, fewest pictures, longest side that is seen, side of the first maps, width, units per stage
_SIZES = (
    ("tiny", 0, 64, 16, 32, 1),
    ("small", 0, 64, 16, 48, 1),
    ("medium", 0, 96, 16, 64, 1),
    ("large", 0, 128, 32, 48, 2),
    ("huge", 2_000, 224, 32, 64, 2),
    ("giant", 20_000, 256, 64, 64, 3),
)


def ladder(brief: Brief) -> tuple[Rung, ...]:
    """Return the sizes from small to large, as far as the pictures can feed them."""
    shape = [int(s) for s in brief.facts["shape"]]
    rungs: list[Rung] = []
    for name, least, longest, first, width, depth in _SIZES:
        if brief.cases < least:
            break
        rungs.append(Rung(name, _decisions(shape[1:], longest=longest, first=first, width=width, depth=depth)))
    return tuple(rungs)


def _decisions(stored: list[int], *, longest: int, first: int, width: int, depth: int) -> tuple[Decision, ...]:
    size = _input_size(stored, longest=longest)
    halvings = max(0, round(math.log2(max(1, min(size)) / first)))
    side = math.ceil(min(size) / 2**halvings)
    stages = 1 + max(0, math.floor(math.log2(max(1.0, side / LAST))))
    last = math.ceil(side / 2 ** (stages - 1))
    whole = "as stored" if size == stored else f"of {' × '.join(map(str, stored))}, means of areas"
    return (
        Decision("input_size", size, f"what the network sees, {whole}"),
        Decision("halvings", halvings, f"of the picture before the first stage, which then sees {side} across"),
        Decision("stages", stages, f"each half as fine as the one before; the last sees {last} across"),
        Decision("width", width, "channels of the first stage, doubled at each"),
        Decision("depth", depth, "residual units per stage"),
    )


def _input_size(stored: list[int], *, longest: int) -> list[int]:
    """Return the size with its longest side at most `longest`; a picture that is little larger is taken as it is."""
    share = longest / max(1, *stored)
    return list(stored) if share >= 0.75 else [max(1, round(s * share)) for s in stored]
