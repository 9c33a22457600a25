"""Features of places for the classical model: what stands there and about it, and where it is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from osler.core.columns import Columns
from osler.core.features import Features
from osler.modalities.images.grids.case import LEVELS, SEEDS, VOLUME
from osler.modalities.images.grids.tiles import place, stored

SCALES = (1.0, 2.0, 4.0, 8.0)  # places: standard deviations of the smoothing
DIFFERENCES = (1.0, 2.0, 4.0)  # of these scales
EACH = 4_096  # places of a case in training at most
TOTAL = 1 << 18
SLAB = 1 << 23  # places that are smoothed at once, without margins
MARGIN = (
    math.ceil(3 * max(SCALES)) + 2
)  # planes about a slab that its places see: the widest smoothing, and two for slopes of slopes
LARGE = 1 << 21  # places of a case above which every second, third, … stands for its neighbours
NEAR = 0.5  # share of training places about labels
AXES = ("i", "j", "k")


def baseline_features(
    columns: Columns, rows: np.ndarray, *, generator: np.random.Generator | None
) -> Features:  # fmt: skip
    """Return (m, f) features of places: intensity, its smoothings, strength of the gradient, blobs and ridges (Laplacian, largest curvature) at
    several scales, and the position in the case. A sample of places where `generator` is given, one half of it about labels."""
    each = min(EACH, max(64, TOTAL // max(1, len(rows))))
    parts, positions, places, stride = [], [], [], 1
    for turn, row in enumerate(rows):
        shape = stored(columns, int(row))
        if generator is None:
            stride = max(1, math.ceil((math.prod(shape) / LARGE) ** (1 / len(shape))))
            where = _every(shape, stride=stride)
        else:
            where = _some(columns, int(row), shape, each=each, generator=generator)
        parts.append(_of_case(columns, int(row), where))
        positions.append(np.full(len(where), turn))
        places.append(where)
    names = names_of(channels=np.asarray(columns[LEVELS]).shape[1], axes=len(columns.field(VOLUME).shape) - 1)
    matrix = np.concatenate(parts) if parts else np.empty((0, len(names)), np.float32)
    return Features(
        matrix, _joined(positions), names, np.zeros(len(names), bool), _joined(places), stride=stride
    )  # fmt: skip


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts).astype(np.int64) if parts else np.empty(0, np.int64)


def names_of(*, channels: int, axes: int) -> tuple[str, ...]:
    """Return the names of the features, channel by channel, then the position."""
    own = ["here", *(f"smoothed {s:g}" for s in SCALES)]
    own += [f"{what} {s:g}" for s in DIFFERENCES for what in ("gradient", "Laplacian", "curvature")]
    several = [f"channel {c + 1} {name}" if channels > 1 else name for c in range(channels) for name in own]
    return (*several, *(f"position {name}" for name in AXES[:axes]), "depth")


def _every(shape: tuple[int, ...], *, stride: int) -> np.ndarray:
    return np.arange(math.prod(shape)).reshape(shape)[(slice(None, None, stride),) * len(shape)].ravel()


def _some(
    columns: Columns, row: int, shape: tuple[int, ...], *, each: int, generator: np.random.Generator
) -> np.ndarray:  # fmt: skip
    """Return flat places: half of them at random, half within a few places of labels."""
    total = math.prod(shape)
    free = generator.integers(0, total, each if SEEDS not in columns.arrays else each - int(NEAR * each))
    seeds = np.asarray(columns[SEEDS][row])[:, 2:] if SEEDS in columns.arrays else np.empty((0, len(shape)), int)
    if len(seeds):
        chosen = seeds[generator.integers(0, len(seeds), int(NEAR * each))]
        moved = chosen + np.rint(generator.normal(0, 3, chosen.shape)).astype(int)
        near = np.ravel_multi_index(tuple(np.clip(moved, 0, np.array(shape) - 1).T), shape)
        free = np.concatenate([free, near])
    return np.unique(free)


def _of_case(columns: Columns, row: int, where: np.ndarray) -> np.ndarray:
    """Return (m, f) the features of the flat places `where` (m,), ascending."""
    stored_values = columns[VOLUME][row]
    levels = np.asarray(columns[LEVELS][row], np.float32)
    shape = tuple(stored_values.shape[1:])
    found = []
    for channel, one in enumerate(stored_values):
        mean, spread = (float(levels[channel, n]) for n in (4, 5))
        middle, width = mean if math.isfinite(mean) else 0.0, max(spread if math.isfinite(spread) else 1.0, 1e-6)
        slabs = (((_floats(one[first:last]) - middle) / width, own, at) for first, last, own, at in _slabs(shape, where))
        parts = [_at(values, at - own) for values, own, at in slabs]
        found += list(torch.cat(parts, dim=1)) if parts else []
    return torch.stack([*found, *_position(columns, row, where, shape)], dim=1).numpy()


def _slabs(shape: tuple[int, ...], where: np.ndarray) -> Iterator[tuple[int, int, int, np.ndarray]]:
    """Yield first and last plane of slabs of a case, the flat place at which each begins, and those of `where` that it answers for: all but
    its margins, which smoothing needs. A case that is not large is one slab."""
    plane = math.prod(shape[1:])
    most = max(1, SLAB // plane) if math.prod(shape) > SLAB else shape[0]
    for start in range(0, shape[0], most):
        end = min(start + most, shape[0])
        first, last = max(0, start - MARGIN), min(shape[0], end + MARGIN)
        inside = slice(*np.searchsorted(where, (start * plane, end * plane)))
        yield first, last, first * plane, where[inside]


def _floats(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(values, np.float32))


def _at(values: torch.Tensor, where: np.ndarray) -> torch.Tensor:
    """Return (features of a channel, m) at flat places of a slab: what is there, its smoothings, then what `_bent` tells of each scale."""
    at = torch.from_numpy(where)
    smoothings, bends = [], []
    for scale in SCALES:
        smooth = smoothed(values, scale)
        smoothings.append(smooth.reshape(-1)[at])
        bends += [part.reshape(-1)[at] for part in _bent(smooth, scale)] if scale in DIFFERENCES else []
    return torch.stack([values.reshape(-1)[at], *smoothings, *bends])


def _bent(smooth: torch.Tensor, scale: float) -> Iterator[torch.Tensor]:
    """Yield strength of the gradient, Laplacian and largest curvature of (axes), in units of the scale."""
    slopes = torch.gradient(smooth)
    yield torch.stack([s.square() for s in slopes]).sum(0).sqrt() * scale
    bends = torch.stack([torch.gradient(slope, dim=axis)[0] for axis, slope in enumerate(slopes)])
    yield bends.sum(0) * scale**2
    yield bends.amax(0) * scale**2


def smoothed(values: torch.Tensor, scale: float) -> torch.Tensor:
    """Return (axes) smoothed by a Gaussian of `scale` places; sides go on beyond the ends."""
    reach = math.ceil(3 * scale)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / scale) ** 2)
    taps = taps / taps.sum()
    for axis in range(values.dim()):
        lines = values.movedim(axis, -1)
        flat = lines.reshape(-1, 1, lines.shape[-1])
        padded = F.pad(flat, (reach, reach), mode="replicate")
        values = F.conv1d(padded, taps[None, None]).reshape(lines.shape).movedim(-1, axis)
    return values.contiguous()


def _position(columns: Columns, row: int, where: np.ndarray, shape: tuple[int, ...]) -> list[torch.Tensor]:
    """Return where places lie, from -1 to 1 along each axis, and how many millimetres (places of a picture) from the case's rim."""
    at = np.stack(np.unravel_index(where, shape), axis=1).astype(np.float32)
    sides = np.array(shape, np.float32)
    lies = place(columns, row)
    fine = lies.spacing() * np.array(lies.shape()) / sides
    rim = (np.minimum(at, sides - 1 - at) * fine).min(1)
    share = 2 * at / np.maximum(sides - 1, 1) - 1
    return [torch.from_numpy(np.ascontiguousarray(column, np.float32)) for column in (*share.T, rim)]
