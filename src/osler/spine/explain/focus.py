"""Where a network looks: class activation maps by gradients (Selvaraju 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from osler.blocks.fusion import Network
from osler.contract import Batch, Encoded


def focus(
    network: Network, batch_of: Callable[[np.ndarray], Batch], rows: np.ndarray, *, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Return by input (n, a, i, j[, k]) how much the last maps of its encoder, weighted by their mean slope, speak for
    raw · `weights` (a, k): no value is below zero. A case without the input has zeros; an encoder without maps gives none."""
    network.eval()
    batch = batch_of(rows)
    seen: dict[str, Tensor] = {}
    held = [encoder.register_forward_hook(_keeping(seen, name)) for name, encoder in network.fusion.encoders.items()]
    try:
        scores = network(batch) @ torch.as_tensor(weights, dtype=torch.float32, device=_device(network)).T
    finally:
        for hook in held:
            hook.remove()
    found = {}
    for name, maps in seen.items():
        here = batch.inputs[name].index.cpu().numpy()
        out = np.zeros((len(rows), len(weights), *maps.shape[2:]))
        for answer in range(len(weights)):
            slope = torch.autograd.grad(scores[:, answer].sum(), maps, retain_graph=True, allow_unused=True)[0]
            if slope is not None:
                share = slope.mean(dim=tuple(range(2, maps.dim())), keepdim=True)
                out[here, answer] = (share * maps).sum(1).clamp_min(0).detach().cpu().numpy()
        found[name] = out
    return found


def _device(network: Network) -> torch.device:
    return next(network.parameters()).device


def _keeping(seen: dict[str, Tensor], name: str) -> Callable[..., None]:
    def keep(_: Any, __: Any, encoded: Encoded) -> None:
        if encoded.maps and encoded.maps[-1].requires_grad:
            seen[name] = encoded.maps[-1]

    return keep
