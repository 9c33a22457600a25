"""Where cases are cut, and the windows taken out of memory-mapped volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from osler.core.columns import Columns, Ragged
from osler.modalities.images.grids.case import LEVELS, MASK, SEEDS, UNMARKED, VOLUME


def windows(
    columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], generator: np.random.Generator, moved: bool
) -> np.ndarray:
    """Return (B, axes, 2): windows at random, and in a share `foreground` of them about a place of a label, each label alike, so that
    small ones are seen. They are wider by `margin` where they will be moved, and reach over the ends of small cases."""
    patch = np.array(plan["patch"])
    sides = np.ceil(patch * (1 + plan["margin"])).astype(np.int64) if moved else patch
    sides = np.where(patch == 1, 1, sides)
    volumes = columns[VOLUME]
    assert isinstance(volumes, Ragged)
    assert volumes.shapes is not None
    shapes = np.asarray(volumes.shapes)[rows][:, 1:].astype(np.int64)
    room = shapes - patch
    free = generator.random(shapes.shape)
    start = np.where(room > 0, np.floor(free * (room + 1)), np.floor(room / 2)).astype(np.int64)
    about = generator.random(len(rows)) < plan["foreground"]
    for turn in np.flatnonzero(about):
        seed = _seed(columns, int(rows[turn]), generator=generator)
        if seed is not None:
            jitter = np.floor((generator.random(len(patch)) - 0.5) * patch / 2).astype(np.int64)
            own = seed - patch // 2 + jitter
            start[turn] = np.where(room[turn] > 0, np.clip(own, 0, np.maximum(room[turn], 0)), start[turn])
    start -= (sides - patch) // 2
    return np.stack([start, start + sides], axis=-1)


def _seed(columns: Columns, row: int, *, generator: np.random.Generator) -> np.ndarray | None:
    """Return a place (axes,) of a label, drawn among the case's labels first."""
    if SEEDS not in columns.arrays:
        return None
    known = np.asarray(columns[SEEDS][row])
    if not len(known):
        return None
    labels = np.unique(known[:, :2], axis=0)
    chosen = labels[generator.integers(len(labels))]
    own = known[(known[:, :2] == chosen).all(1)]
    return np.asarray(own[generator.integers(len(own)), 2:], np.int64)


def gather(columns: Columns, rows: np.ndarray, *, windows: np.ndarray | None, names: Sequence[str]) -> dict[str, Tensor]:
    """Return volumes (B, channels, window) in their own type and levels of the cases, and masks (B, columns, window) where they are
    asked for; places over the end of a case get its lowest value, in masks UNMARKED."""
    out: dict[str, Tensor] = {}
    for name in names:
        if name == LEVELS:
            out[name] = torch.from_numpy(np.ascontiguousarray(np.asarray(columns[name])[rows]))
        elif name in {VOLUME, MASK}:
            out[name] = torch.from_numpy(_cut(columns, name, rows, windows=windows))
    return out


def _cut(columns: Columns, name: str, rows: np.ndarray, *, windows: np.ndarray | None) -> np.ndarray:
    array = columns[name]
    assert isinstance(array, Ragged)
    assert array.shapes is not None
    if windows is None:
        sides = np.asarray(array.shapes)[rows][:, 1:].max(0)
        windows = np.broadcast_to(np.stack([np.zeros_like(sides), sides], axis=-1), (len(rows), len(sides), 2))
    extent = windows[0, :, 1] - windows[0, :, 0]
    out = np.empty((len(rows), array.shapes[rows[0]][0], *extent), array.values.dtype)
    for turn, row in enumerate(rows):
        whole = array[int(row)]
        inside = [(max(0, int(a)), min(int(b), n)) for (a, b), n in zip(windows[turn], whole.shape[1:], strict=True)]
        if any((b - a) < e for (a, b), e in zip(inside, extent, strict=True)):
            outside = UNMARKED if name == MASK else float(np.nanmin(np.asarray(columns[LEVELS][int(row)])[:, 0]))
            out[turn] = outside
        if all(b > a for a, b in inside):
            to = tuple(slice(a - int(w), b - int(w)) for (a, b), (w, _) in zip(inside, windows[turn], strict=True))
            out[turn][:, *to] = whole[:, *(slice(a, b) for a, b in inside)]
    return out
