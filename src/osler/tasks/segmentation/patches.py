"""How much surface lies between eight neighbouring voxels (or four pixels), by which of them a mask holds.

The surface is that of marching cubes (Lorensen and Cline 1987) with its vertices half way between a voxel inside and one outside. The
area of all 256 cases follows from six shapes: voxels inside that share an edge of the cube make one piece, and pieces add up; more
than four inside have the surface of the few outside. Areas equal those of DeepMind's `surface-distance` (tests/reference).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

Corner = tuple[int, ...]


@lru_cache(maxsize=64)
def areas(spacing: tuple[float, ...]) -> np.ndarray:
    """Return (256,) the area in mm², or (16,) the length in mm, by neighbour code; the code's bit for corner (a, b, c) is
    1 << (4 a + 2 b + c), in two dimensions 1 << (2 a + b)."""
    corners = list(product((0, 1), repeat=len(spacing)))
    found = np.zeros(1 << len(corners))
    for code in range(len(found)):
        inside = [corner for bit, corner in enumerate(corners) if code >> bit & 1]
        few = inside if len(inside) <= len(corners) // 2 else [c for c in corners if c not in inside]
        found[code] = sum(_patch(piece, spacing) for piece in _pieces(few))
    found.flags.writeable = False
    return found


def _pieces(corners: list[Corner]) -> list[list[Corner]]:
    """Cut corners into those that hang together by edges of the cube."""
    left, found = list(corners), []
    while left:
        piece, rim = [], [left.pop()]
        while rim:
            piece.append(rim.pop())
            near = [c for c in left if _apart(c, piece[-1]) == 1]
            left = [c for c in left if c not in near]
            rim += near
        found.append(piece)
    return found


def _apart(one: Corner, other: Corner) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def _patch(piece: list[Corner], spacing: tuple[float, ...]) -> float:
    """Return the surface of one piece: the sum over its flat parts, each given by its normal as long as its area."""
    size = np.asarray(spacing, float)
    unit = size[::-1] if len(size) == 2 else np.array([size[1] * size[2], size[0] * size[2], size[0] * size[1]])
    return float(sum(np.linalg.norm(np.asarray(normal) * unit) for normal in _normals(piece)))


def _normals(piece: list[Corner]) -> list[np.ndarray]:
    axes = len(piece[0])
    if len(piece) == 1:
        return [np.full(axes, 0.5 if axes == 2 else 0.125)]
    spread = np.ptp(np.array(piece), axis=0)
    if len(piece) == 2:  # a strip along the edge between them
        return [(1.0 - spread) * (1.0 if axes == 2 else 0.5)]
    degree = [sum(_apart(one, other) == 1 for other in piece) for one in piece]
    if max(degree) == 3:  # a corner with its three neighbours: a regular hexagon
        return [np.full(3, 0.75)]
    if spread.sum() == 2:  # in one face: the whole of it, or without one corner
        face = 1.0 - spread
        return [face] if len(piece) == 4 else [0.5 * face, np.full(3, 0.375)]
    return _twisted(piece, degree)


def _twisted(piece: list[Corner], degree: list[int]) -> list[np.ndarray]:
    """A path along three edges of three directions: a part across the cube and a triangle at each side of its middle edge."""
    first, second = (np.array(corner) for corner, many in zip(piece, degree, strict=True) if many == 2)
    middle = int(np.flatnonzero(first != second)[0])
    sides = []
    for axis in range(3):
        if axis != middle:
            normal = np.zeros(3)
            normal[[axis, middle]] = 0.25
            sides.append(normal)
    return [np.full(3, 0.5), *sides]
