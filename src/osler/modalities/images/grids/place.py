"""From a file's affine to the axes along which a case is stored."""

from __future__ import annotations

import numpy as np

from osler.core.grid import Grid
from osler.modalities.images.grids.case import Place


def placed(shape: tuple[int, ...], affine: np.ndarray) -> Place:
    """Return how a file of `shape` and `affine` (index to millimetres, RAS+) lies.

    A volume's axes are taken in the order that lies nearest to right, anterior, superior; a picture's are kept.
    """
    axes = len(shape)
    if axes == 2:
        return Place(Grid(shape, affine), (0, 1), (False, False))
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    order: list[int] = []
    for world in range(3):
        free = [a for a in range(3) if a not in order]
        order.append(max(free, key=lambda a: (abs(directions[world, a]), -a)))
    turned = tuple(bool(directions[world, a] < 0) for world, a in enumerate(order))
    return Place(Grid(shape, affine), tuple(order), turned)
