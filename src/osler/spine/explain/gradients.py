"""Attributions of a network, on what its encoders lift, through fusion and head.

Integrated gradients (Sundararajan 2017) averaged over several references (expected gradients, Erion 2021). The path from a
reference to the case is integrated by Gauss and Legendre's rule, whose nodes are doubled until the attributions add up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from osler.blocks.fusion import Network
from osler.contract import Batch
from osler.core.attribution import Attribution
from osler.spine.explain.references import References, is_ragged

FIRST, LAST = 8, 128  # nodes on a path
TOLERANCE = 1e-3  # of the way from the references to the case
LEAST_WAY = 0.1  # raw units: a case that equals its references has no way to speak of
POINTS, NUMBERS = 4096, 8_000_000  # rows, and lifted floats, in one pass
GRID_NUMBERS = 1_000_000  # lifted floats of pictures in one pass: a network holds some fifty times as many

Batches = Callable[[np.ndarray], Batch]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where attributions go: `first` and `count` of each input's features among all, by input name; `total` of all.

    An input with one feature for the whole of it has `count` 1.
    """

    first: Mapping[str, int]
    count: Mapping[str, int]

    @property
    def total(self) -> int:
        """The number of features."""
        return sum(self.count.values())


@dataclass(frozen=True, slots=True)
class _Path:
    """What does not change along the way: what is asked of which network, in comparison with what."""

    network: Network
    batch_of: Batches
    references: References
    weights: Tensor
    layout: Layout


def attribute(
    network: Network,
    batch_of: Batches,
    rows: np.ndarray,
    *,
    references: References,
    weights: np.ndarray,
    layout: Layout,
    nodes: int = LAST,
    tolerance: float = TOLERANCE,
) -> Attribution:
    """Return the attribution (rows, a, f) of raw · `weights` (a, k), whose error is under `tolerance` of the way where at most
    `nodes` nodes reach it.

    The score leads away from the references' mean, in which an input that a case lacks is lacking too: it gets nothing.
    """
    network.eval()
    path = _Path(network, batch_of, references, torch.as_tensor(weights, dtype=torch.float32), layout)
    pieces = [_adaptive(path, rows[a:b], most=nodes, tolerance=tolerance) for a, b in _chunks(path, rows)]
    joined = [np.concatenate([getattr(p, name) for p in pieces]) for name in ("values", "reference", "score")]
    named = dict.fromkeys(name for p in pieces for name in p.maps)
    found = {name: [p.maps[name] for p in pieces if name in p.maps] for name in named}
    maps = {name: np.concatenate(own) for name, own in found.items() if len(own) == len(pieces) and _alike(own)}
    return Attribution(joined[0], joined[1], joined[2], maps)


def _alike(maps: Sequence[np.ndarray]) -> bool:
    return len({one.shape[1:] for one in maps}) <= 1


def _chunks(path: _Path, rows: np.ndarray) -> list[tuple[int, int]]:
    """Return (start, stop) of pieces that fit in a pass with FIRST nodes; cases of differing shape go one by one."""
    with torch.no_grad():
        lifted = path.network.fusion.lift(path.batch_of(rows[:1]))
    each = len(path.references.weight) * FIRST
    numbers = max(1, sum(v[0].numel() for v in lifted.values()))
    ragged = any(v.dim() != 2 for v in lifted.values()) or any(is_ragged(e) for e in path.network.fusion.encoders.values())
    size = 1 if ragged else max(1, min(POINTS // each, NUMBERS // (numbers * each)))
    return [(start, min(start + size, len(rows))) for start in range(0, len(rows), size)]


def _adaptive(path: _Path, rows: np.ndarray, *, most: int, tolerance: float) -> Attribution:
    score, starts = _ends(path, rows)
    reference = np.einsum("nra,r->na", starts, path.references.weight)
    way = np.maximum(np.abs(score[:, None] - starts).max(1), LEAST_WAY * np.abs(path.weights.numpy()).max(1))
    values = np.zeros((len(rows), len(path.weights), path.layout.total))
    maps: dict[str, np.ndarray] = {}
    open_, nodes = np.arange(len(rows)), FIRST
    while len(open_) and nodes <= max(most, FIRST):
        found = _integral(path, rows[open_], nodes=nodes)
        values[open_] = found.values
        for name, grid in found.maps.items():
            maps.setdefault(name, np.zeros((len(rows), *grid.shape[1:])))[open_] = grid
        error = np.abs(score - reference - values.sum(2))[open_]
        open_ = open_[(error > tolerance * way[open_]).any(1)]
        nodes *= 2
    return Attribution(values, reference, score, maps)


@torch.no_grad()
def _ends(path: _Path, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted raw outputs of the cases (n, a) and of their references (n, r, a)."""
    count = len(path.references.weight)
    score = _scores(path, path.batch_of(rows), None)
    batch = path.batch_of(np.repeat(rows, count))
    starts = {name: start for name, (start, _) in _sections(path, batch, nodes=1).items()}
    found = _scores(path, batch, starts)
    return score.double().cpu().numpy(), found.reshape(len(rows), count, -1).double().cpu().numpy()


@dataclass(slots=True)
class _Sums:
    """What is added up along the way: `values` (n, a, f) by feature, `maps` by input on a grid."""

    values: np.ndarray
    maps: dict[str, np.ndarray]

    def add(self, other: _Sums) -> None:
        self.values += other.values
        for name, grid in other.maps.items():
            self.maps[name] = self.maps.get(name, 0.0) + grid


def _integral(path: _Path, rows: np.ndarray, *, nodes: int) -> _Sums:
    """Return the sums of all nodes, in passes of bounded size."""
    places, shares = np.polynomial.legendre.leggauss(nodes)
    line = torch.as_tensor((places + 1) / 2, dtype=torch.float32), torch.as_tensor(shares / 2, dtype=torch.float32)
    size, at_once = _passes(path, rows, nodes=nodes)
    parts = []
    for start in range(0, len(rows), size):
        total = _pass(path, rows[start : start + size], (line[0][:at_once], line[1][:at_once]))
        for first in range(at_once, nodes, at_once):
            total.add(_pass(path, rows[start : start + size], tuple(end[first : first + at_once] for end in line)))  # type: ignore[arg-type]
        parts.append(total)
    maps = {name: np.concatenate([p.maps[name] for p in parts]) for name in parts[0].maps}
    return _Sums(np.concatenate([p.values for p in parts]), maps)


def _passes(path: _Path, rows: np.ndarray, *, nodes: int) -> tuple[int, int]:
    """Return how many rows, and how many nodes of each, go through the network at once."""
    count = len(path.references.weight)
    size = max(1, POINTS // (nodes * count))
    with torch.no_grad():
        grids = [v[0].numel() for v in path.network.fusion.lift(path.batch_of(rows[:1])).values() if v.dim() > 2]
    if not grids:
        return size, nodes
    return 1, max(1, min(nodes, GRID_NUMBERS // max(1, count * sum(grids))))


def _pass(path: _Path, rows: np.ndarray, line: tuple[Tensor, Tensor]) -> _Sums:
    nodes, count = len(line[0]), len(path.references.weight)
    each = nodes * count
    batch = path.batch_of(np.repeat(rows, each))
    sections = _sections(path, batch, nodes=nodes)
    out = _Sums(np.zeros((len(rows), len(path.weights), path.layout.total)), {})
    points = {}
    for name, (start, way) in sections.items():
        at = line[0].to(way.device)[_index(batch, name) % nodes]
        points[name] = (start + at.reshape(-1, *[1] * (way.dim() - 1)) * way).requires_grad_()
    if not points:
        return out
    owners = {name: _owner(path, batch, name) for name in points}
    scores = _scores(path, batch, points)
    weight = torch.as_tensor(path.references.weight, dtype=torch.float32, device=scores.device)
    for answer in range(scores.shape[1]):
        slopes = torch.autograd.grad(scores[:, answer].sum(), list(points.values()), retain_graph=True)
        for name, slope in zip(points, slopes, strict=True):
            index, way = _index(batch, name), sections[name][1]
            share = line[1].to(slope.device)[index % nodes] * weight[index // nodes % count]
            part = (slope * way).flatten(1) * share[:, None]
            added = part.new_zeros(len(rows), part.shape[1]).index_add_(0, index // each, part).double().cpu().numpy()
            out.values[:, answer] += _owned(added, owners[name], name=name, path=path)
            if way.dim() > 2:
                shape = (len(rows), len(path.weights), *way.shape[1:])
                out.maps.setdefault(name, np.zeros(shape))[:, answer] += added.reshape(len(rows), *way.shape[1:])
    return out


def _sections(path: _Path, batch: Batch, *, nodes: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Return by input where each line of the batch starts, and the way from there to its case."""
    with torch.no_grad():
        lifted = path.network.fusion.lift(batch)
    found = {}
    for name, values in lifted.items():
        points = path.references.lifted.get(name)
        if points is None or points.shape[1:] != values.shape[1:]:
            start = torch.zeros_like(values)
        else:
            which = _index(batch, name) // nodes % len(points)
            start = torch.as_tensor(points, dtype=values.dtype, device=values.device)[which]
        found[name] = (start, values - start)
    return found


def _index(batch: Batch, name: str) -> Tensor:
    return batch.inputs[name].index


def _scores(path: _Path, batch: Batch, lifted: Mapping[str, Tensor] | None) -> Tensor:
    raw: Tensor = path.network(batch, lifted)
    return raw @ path.weights.to(raw.device).T


@torch.no_grad()
def _owner(path: _Path, batch: Batch, name: str) -> np.ndarray | None:
    """Return (F,) the feature of each lifted float, None where the input is one feature. Where it differs between cases the
    batch holds one case alone, over and over."""
    encoder: Any = path.network.fusion.encoders[name]
    if path.layout.count[name] == 1 or not (hasattr(encoder, "owners") or hasattr(encoder, "owner")):
        return None
    found = encoder.owners(batch.inputs[name].fields)[0].reshape(-1) if hasattr(encoder, "owners") else encoder.owner
    return np.asarray(found.cpu().numpy())


def _owned(added: np.ndarray, owner: np.ndarray | None, *, name: str, path: _Path) -> np.ndarray:
    """Return (n, f) from what each lifted float adds (n, F), summed by the owner of the float."""
    first = path.layout.first[name]
    out = np.zeros((len(added), path.layout.total))
    if owner is None:
        out[:, first] = added.sum(1)
        return out
    order = np.argsort(owner, kind="stable")
    owners, starts = np.unique(owner[order], return_index=True)
    if len(owners):
        out[:, first + owners] = np.add.reduceat(added[:, order], starts, axis=1)
    return out
