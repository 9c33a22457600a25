"""What a network compares a case with: a few typical cases, each the mean of at least five."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from osler.blocks.fusion import Network
from osler.contract import Batch
from osler.core.state import State

FEWEST = 5  # groups behind one reference
MOST = 8  # references: more cost time and move the attributions of two real tables by under 1% of the largest
MOST_RAGGED = 2  # beside timelines, of which each reference goes through hundreds of events once more
ROWS = 2_000  # cases from which references are made
NUMBERS = 4_000_000  # lifted floats held for it
STORED = 200_000  # floats that the references of one network may take in a bundle
MIDDLE = 20  # cases at least behind the middle of an input on a grid
DIGITS = 3
_TURNS = 12


@dataclass(frozen=True, slots=True)
class References:
    """Points on what encoders lift: `weight` (r,) adds up to one, `lifted` by input (r, F), of an input on a grid (1, C, i, j[, k]).

    An input that is not there is compared with zeros: what its encoder lifts of a case at the state's centre.
    """

    weight: np.ndarray
    lifted: Mapping[str, np.ndarray]

    def state(self) -> State:
        """Return what a bundle stores."""
        return State({"weight": self.weight, **{f"lifted.{name}": points for name, points in self.lifted.items()}})

    @classmethod
    def of(cls, state: State) -> References:
        """Return what `state` holds; of a bundle that has none, the fallback."""
        weight = state.arrays.get("weight")
        if weight is None:
            return FALLBACK
        start = "lifted."
        return cls(weight, {k[len(start) :]: v for k, v in state.arrays.items() if k.startswith(start)})


FALLBACK = References(np.ones(1), {})


@torch.no_grad()
def find_references(
    networks: Sequence[Network],
    batch_of: Callable[[np.ndarray], Batch],
    rows: np.ndarray,
    *,
    groups: np.ndarray,
    seed: int,
) -> tuple[References, ...]:
    """Return one set of references per network: centres of clusters of the training `rows`, weighted by their size.

    One row of each group takes part, so a cluster of five rows is one of five patients; `groups` (n,) is by row of the
    columns. Clusters are found once (Lloyd 1982), on what the first network lifts. Only inputs that lift a vector per case
    take part in that; of an input on a grid there is one point, the middle of the training cases, and of one whose cases
    differ in length (`ragged` encoders) the one in which nothing happened. Several references instead of one: an average of patients is itself no patient (expected gradients, Erion 2021).
    """
    generator = np.random.default_rng([seed, 0xE4])
    some = _one_each(rows, groups, generator)
    lifted = [_lifted(network, batch_of, some) for network in networks]
    grids = [_grids(network, batch_of, some) for network in networks]
    if not lifted[0]:
        return tuple(References(np.ones(1), grid) if grid else FALLBACK for grid in grids)
    width = sum(values.shape[1] for values, _ in lifted[0].values())
    centred = np.concatenate([values - values[here].mean(0) * here[:, None] for values, here in lifted[0].values()], axis=1)
    ragged = any(is_ragged(encoder) for network in networks for encoder in network.fusion.encoders.values())
    most = min(MOST_RAGGED if ragged else MOST, max(1, STORED // max(1, width)))
    member = _clusters(centred, most=most, generator=generator)
    weight = np.bincount(member).astype(np.float64) / len(member)
    return tuple(
        References(weight, {name: _centres(v, here, member) for name, (v, here) in one.items()} | grid)
        for one, grid in zip(lifted, grids, strict=True)
    )


def _one_each(rows: np.ndarray, groups: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    mixed = generator.permutation(rows)
    _, first = np.unique(groups[mixed], return_index=True)
    return np.sort(mixed[np.sort(first)[:ROWS]])


def _lifted(
    network: Network, batch_of: Callable[[np.ndarray], Batch], rows: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return by input the lifted floats (m, F), zeros where a case lacks the input, and which cases have it (m,)."""
    first = _lift(network, batch_of(rows[:1]))
    width = max(1, sum(v[0].numel() for v in first.values()))
    rows = rows[: max(FEWEST, NUMBERS // width)]
    batch = batch_of(rows)
    found = {}
    for name, values in _lift(network, batch).items():
        here = np.zeros(len(rows), bool)
        here[batch.inputs[name].index.cpu().numpy()] = True
        if values.dim() == 2 and here.sum() >= FEWEST:
            whole = np.zeros((len(rows), values.shape[1]), np.float32)
            whole[here] = values.cpu().numpy()
            found[name] = (whole, here)
    return found


def is_ragged(encoder: nn.Module) -> bool:
    """Return whether what an encoder lifts differs in length between cases, shorter ones padded with zeros."""
    return bool(getattr(encoder, "ragged", False))


def _lift(network: Network, batch: Batch) -> dict[str, torch.Tensor]:
    """Return what is lifted of all inputs but ragged ones: one long case among thousands would blow the others up."""
    encoders = network.fusion.encoders
    even = {name: part for name, part in batch.inputs.items() if not is_ragged(encoders[name])}
    return network.fusion.lift(replace(batch, inputs=even))


def _grids(network: Network, batch_of: Callable[[np.ndarray], Batch], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return by input on a grid its middle (1, C, i, j[, k]): at each place the mean of the middle half of the values.

    A name that is burned into one picture, or into a few, is not in it: each place is the mean of at least MIDDLE / 2 cases,
    and leaves out as many of the largest and of the smallest as MIDDLE / 4. Larger inputs than a bundle may store have none.
    """
    shapes = {name: v.shape[1:] for name, v in _lift(network, batch_of(rows[:MIDDLE])).items() if v.dim() > 2}
    small = {name for name, shape in shapes.items() if int(np.prod(shape)) <= STORED}
    if not small:
        return {}
    most = max(MIDDLE, NUMBERS // sum(int(np.prod(shapes[name])) for name in small))
    batch = batch_of(rows[:most])
    found = {}
    for name, values in _lift(network, batch).items():
        if name in small and len(values) >= MIDDLE and values.shape[1:] == shapes[name]:
            cut = len(values) // 4
            ordered = np.sort(values.cpu().numpy(), axis=0)[cut : len(values) - cut]
            found[name] = np.round(ordered.mean(0, dtype=np.float64), DIGITS).astype(np.float32)[None]
    return found


def _clusters(points: np.ndarray, *, most: int, generator: np.random.Generator) -> np.ndarray:
    """Return the cluster (m,) of each point, numbered from 0, none with fewer than FEWEST points."""
    count = int(np.clip(len(points) // (4 * FEWEST), 1, most))
    centres = points[generator.choice(len(points), count, replace=False)]
    member = np.zeros(len(points), np.int64)
    for _ in range(_TURNS):
        member = _nearest(points, centres)
        _, member, sizes = np.unique(member, return_inverse=True, return_counts=True)
        centres = np.stack([points[member == c].mean(0) for c in range(len(sizes))])
    while len(centres) > 1 and (sizes := np.bincount(member, minlength=len(centres))).min() < FEWEST:
        centres = np.delete(centres, sizes.argmin(), axis=0)
        member = _nearest(points, centres)
    return np.asarray(np.unique(member, return_inverse=True)[1], np.int64)


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return np.asarray((np.square(centres).sum(1) - 2 * points @ centres.T).argmin(1), np.int64)


def _centres(values: np.ndarray, here: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Return each cluster's mean over the cases that have the input; of fewer than FEWEST, the mean of all cases."""
    everyone = values[here].mean(0)
    parts = [here & (member == c) for c in range(int(member.max()) + 1)]
    means = [values[part].mean(0) if part.sum() >= FEWEST else everyone for part in parts]
    return np.round(np.stack(means), DIGITS).astype(np.float32)
