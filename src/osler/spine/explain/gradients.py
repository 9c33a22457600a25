"""Attributions of a network, on what its encoders lift, through fusion and head.

Integrated gradients (Sundararajan 2017) averaged over several references (expected gradients, Erion 2021). The path from a
reference to the case is integrated by Gauss and Legendre's rule, whose nodes are doubled until the attributions add up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from osler.blocks.fusion import Network
from osler.contract import Batch
from osler.core.attribution import Attribution
from osler.spine.explain.references import References

FIRST, LAST = 8, 128  # nodes on a path
TOLERANCE = 1e-3  # of the way from the references to the case
LEAST_WAY = 0.1  # raw units: a case that equals its references has no way to speak of
POINTS, NUMBERS = 4096, 8_000_000  # rows, and lifted floats, in one pass

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
    return Attribution(joined[0], joined[1], joined[2])


def _chunks(path: _Path, rows: np.ndarray) -> list[tuple[int, int]]:
    """Return (start, stop) of pieces that fit in a pass with FIRST nodes; cases of differing shape go one by one."""
    with torch.no_grad():
        lifted = path.network.fusion.lift(path.batch_of(rows[:1]))
    each = len(path.references.weight) * FIRST
    numbers = max(1, sum(v[0].numel() for v in lifted.values()))
    ragged = any(v.dim() != 2 for v in lifted.values())
    size = 1 if ragged else max(1, min(POINTS // each, NUMBERS // (numbers * each)))
    return [(start, min(start + size, len(rows))) for start in range(0, len(rows), size)]


def _adaptive(path: _Path, rows: np.ndarray, *, most: int, tolerance: float) -> Attribution:
    score, starts = _ends(path, rows)
    reference = np.einsum("nra,r->na", starts, path.references.weight)
    way = np.maximum(np.abs(score[:, None] - starts).max(1), LEAST_WAY * np.abs(path.weights.numpy()).max(1))
    values = np.zeros((len(rows), len(path.weights), path.layout.total))
    open_, nodes = np.arange(len(rows)), FIRST
    while len(open_) and nodes <= max(most, FIRST):
        values[open_] = _integral(path, rows[open_], nodes=nodes)
        error = np.abs(score - reference - values.sum(2))[open_]
        open_ = open_[(error > tolerance * way[open_]).any(1)]
        nodes *= 2
    return Attribution(values, reference, score)


@torch.no_grad()
def _ends(path: _Path, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted raw outputs of the cases (n, a) and of their references (n, r, a)."""
    count = len(path.references.weight)
    score = _scores(path, path.batch_of(rows), None)
    batch = path.batch_of(np.repeat(rows, count))
    starts = {name: start for name, (start, _) in _sections(path, batch, nodes=1).items()}
    found = _scores(path, batch, starts)
    return score.double().cpu().numpy(), found.reshape(len(rows), count, -1).double().cpu().numpy()


def _integral(path: _Path, rows: np.ndarray, *, nodes: int) -> np.ndarray:
    """Return (n, a, f), in passes of bounded size."""
    places, shares = np.polynomial.legendre.leggauss(nodes)
    line = torch.as_tensor((places + 1) / 2, dtype=torch.float32), torch.as_tensor(shares / 2, dtype=torch.float32)
    size = max(1, POINTS // (nodes * len(path.references.weight)))
    return np.concatenate([_pass(path, rows[start : start + size], line) for start in range(0, len(rows), size)])


def _pass(path: _Path, rows: np.ndarray, line: tuple[Tensor, Tensor]) -> np.ndarray:
    nodes, count = len(line[0]), len(path.references.weight)
    each = nodes * count
    batch = path.batch_of(np.repeat(rows, each))
    sections = _sections(path, batch, nodes=nodes)
    out = np.zeros((len(rows), len(path.weights), path.layout.total))
    points = {}
    for name, (start, way) in sections.items():
        at = line[0].to(way.device)[_index(batch, name) % nodes]
        points[name] = (start + at.reshape(-1, *[1] * (way.dim() - 1)) * way).requires_grad_()
    if not points:
        return out
    scores = _scores(path, batch, points)
    weight = torch.as_tensor(path.references.weight, dtype=torch.float32, device=scores.device)
    for answer in range(scores.shape[1]):
        slopes = torch.autograd.grad(scores[:, answer].sum(), list(points.values()), retain_graph=True)
        for name, slope in zip(points, slopes, strict=True):
            index = _index(batch, name)
            share = line[1].to(slope.device)[index % nodes] * weight[index // nodes % count]
            part = (slope * sections[name][1]).flatten(1) * share[:, None]
            out[:, answer] += _summed(part, index // each, name=name, path=path, cases=len(rows))
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


def _summed(part: Tensor, case: Tensor, *, name: str, path: _Path, cases: int) -> np.ndarray:
    """Return (cases, f) from what each lifted float of each line adds: summed over lines, then by the owner of the float."""
    first, count = path.layout.first[name], path.layout.count[name]
    by_case = part.new_zeros(cases, part.shape[1]).index_add_(0, case, part).double().cpu().numpy()
    owner = getattr(path.network.fusion.encoders[name], "owner", None)
    out = np.zeros((cases, path.layout.total))
    if count == 1 or owner is None:
        out[:, first] = by_case.sum(1)
        return out
    order = np.argsort(owner := owner.cpu().numpy(), kind="stable")
    owners, starts = np.unique(owner[order], return_index=True)
    if len(owners):
        out[:, first + owners] = np.add.reduceat(by_case[:, order], starts, axis=1)
    return out
