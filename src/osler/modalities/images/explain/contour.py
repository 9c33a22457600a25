"""Outlines of marks on a slice, along the edges of its places."""

from __future__ import annotations

import numpy as np

Point = tuple[int, int]  # row, column of a corner between places


def outlines(inside: np.ndarray) -> list[list[Point]]:
    """Return the closed lines around the marked places of `inside` (rows, columns) bool, each as its corners in turn; holes have
    lines of their own. Places that touch at a corner only have separate lines."""
    follows = _edges(inside)
    loops = []
    while follows:
        start = next(iter(follows))
        loops.append(_straight(_loop(follows, start)))
    return loops


def path(loops: list[list[Point]], *, down: float, across: float) -> str:
    """Return the lines as an SVG path, a place being `down` high and `across` wide."""
    return "".join(_closed([(column * across, row * down) for row, column in loop]) for loop in loops)


def _closed(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"


def _edges(inside: np.ndarray) -> dict[Point, list[Point]]:
    """Return from each corner where the edges around marked places lead to, with the marked place on the right hand."""
    padded = np.pad(inside.astype(bool), 1)
    here = padded[1:-1, 1:-1]
    follows: dict[Point, list[Point]] = {}
    sides = (
        (padded[:-2, 1:-1], (0, 0), (0, 1)),  # above: to the right
        (padded[1:-1, 2:], (0, 1), (1, 1)),  # right: downwards
        (padded[2:, 1:-1], (1, 1), (1, 0)),  # below: to the left
        (padded[1:-1, :-2], (1, 0), (0, 0)),  # left: upwards
    )
    for beside, first, last in sides:
        for row, column in np.argwhere(here & ~beside).tolist():
            follows.setdefault((row + first[0], column + first[1]), []).append((row + last[0], column + last[1]))
    return follows


def _loop(follows: dict[Point, list[Point]], start: Point) -> list[Point]:
    """Take one closed line out of `follows`; where two cross it turns right, so that it keeps to its own piece."""
    corners = [start]
    at, before = start, None
    while True:
        ways = follows[at]
        turn = _rightmost(ways, at, before)
        ahead = ways.pop(turn)
        if not ways:
            del follows[at]
        before, at = at, ahead
        if at == start:
            return corners
        corners.append(at)


def _rightmost(ways: list[Point], at: Point, before: Point | None) -> int:
    if len(ways) == 1 or before is None:
        return 0
    down, across = at[0] - before[0], at[1] - before[1]
    right = (at[0] + across, at[1] - down)
    return ways.index(right) if right in ways else 0


def _straight(corners: list[Point]) -> list[Point]:
    """Leave out corners at which a line does not turn."""
    around = zip(corners[-1:] + corners[:-1], corners, corners[1:] + corners[:1], strict=True)
    return [here for before, here, after in around if (before[0] != after[0] and before[1] != after[1])]
