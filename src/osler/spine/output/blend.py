"""How network and baseline are joined: on the raw scale, by the loss on cases that neither was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.contract import TargetBatch, Task
from osler.core.target import Target

ROUNDING = 1e-9  # of the loss: equal models differ by it between shares
GRID = np.linspace(0, 1, 21)


@dataclass(frozen=True, slots=True)
class Blend:
    """The share of the network in the bundle's prediction; the rest is the baseline's."""

    network: float

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts that have a share."""
        return tuple(name for name, share in (("network", self.network), ("baseline", 1 - self.network)) if share > 0)

    @classmethod
    def chosen(cls, raws: Mapping[str, np.ndarray], target: Target, *, task: Task, plan: Mapping[str, Any]) -> Blend:
        """Return the share with the lowest mean loss of `target`'s cases.

        Shares whose loss is within a twentieth of a standard error of the lowest are as good as it; of these the one nearest
        to one half is taken, as an average of two different models errs less on new cases than either. (Half a standard
        error was tried: on regressions it let a network in that cost 4% of RMSE.)
        """
        shares = GRID if task.blends else GRID[[0, -1]]
        losses = np.stack(
            [_losses(share * raws["network"] + (1 - share) * raws["baseline"], target, task, plan) for share in shares]
        )
        means = losses.mean(1)
        best = int(means.argmin())
        spread = (losses - losses[best]).std(1) / np.sqrt(losses.shape[1])
        good = means - means[best] <= 0.05 * spread + ROUNDING * abs(means[best])
        good[best] = True
        near = np.flatnonzero(good)[np.argmin(np.abs(shares[good] - 0.5))]
        return cls(float(shares[near]))


def combine(raws: Mapping[str, np.ndarray], blend: Blend) -> np.ndarray:
    """Return the bundle's raw output (n, k)."""
    if blend.network == 1:
        return raws["network"]
    if blend.network == 0:
        return raws["baseline"]
    return blend.network * raws["network"] + (1 - blend.network) * raws["baseline"]


def _losses(raw: np.ndarray, target: Target, task: Task, plan: Mapping[str, Any]) -> np.ndarray:
    import torch

    side = None if target.side is None else torch.from_numpy(target.side)
    batch = TargetBatch(torch.from_numpy(target.values), torch.from_numpy(target.observed), side)
    return task.loss(torch.from_numpy(raw), batch, plan=plan).numpy()
