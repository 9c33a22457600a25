"""What many cases' parts add at once, in a few passes: less exact than `attribute`, for what is counted over hundreds of cases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from osler.blocks.fusion import Network
from osler.contract import Batch

NODES = 4  # of the way from nothing to the case
Batches = Callable[[np.ndarray], Batch]


def along(network: Network, batch_of: Batches, rows: np.ndarray, *, name: str, weights: np.ndarray) -> np.ndarray:
    """Return what the parts of input `name` add to raw · `weights` (k,), shaped as what is lifted of the cases together (n, …).

    Integrated gradients from nothing by the midpoint rule; a case without the input has zeros.
    """
    network.eval()
    batch = batch_of(rows)
    with torch.no_grad():
        lifted = network.fusion.lift(batch)
    if name not in lifted:
        return np.zeros((len(rows), 1))
    asked = torch.as_tensor(weights, dtype=torch.float32, device=_device(network))
    whole = lifted[name]
    total = torch.zeros_like(whole)
    for node in range(NODES):
        point = (whole * ((node + 0.5) / NODES)).requires_grad_()
        total += torch.autograd.grad((network(batch, {**lifted, name: point}) @ asked).sum(), point)[0]
    out = np.zeros((len(rows), *whole.shape[1:]), np.float32)
    out[batch.inputs[name].index.cpu().numpy()] = (total * whole / NODES).float().cpu().numpy()
    return out


def scorer(
    network: Network, batch_of: Batches, row: int, *, name: str, weights: np.ndarray
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return what is lifted (1, …) of input `name` of the case `row`, and a function from other such (m, …) in its place to raw ·
    `weights` (a, k), (m, a). The case must have the input."""
    network.eval()
    asked = torch.as_tensor(weights, dtype=torch.float32, device=_device(network)).T

    def score(given: Tensor) -> Tensor:
        batch = batch_of(np.full(len(given), row))
        found: Tensor = network(batch, {**network.fusion.lift(batch), name: given}) @ asked
        return found

    with torch.no_grad():
        return network.fusion.lift(batch_of(np.array([row])))[name], score


def _device(network: Network) -> torch.device:
    return next(network.parameters()).device
