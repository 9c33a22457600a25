"""Batches of timelines: the events of each case behind one another, the latest ones where there are very many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.columns import Columns, Ragged

if TYPE_CHECKING:
    from torch import Tensor

LATEST = 4096  # events of a case, where the plan does not say how many
OFFSETS = "offsets"  # (B + 1,) int64: where each case's events begin


def gather(columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], names: Sequence[str]) -> dict[str, Tensor]:
    """Return the fields `names` (total,) of the cases `rows`, at most the plan's `latest` ones of each, and OFFSETS."""
    import torch

    out: dict[str, Tensor] = {}
    most = int(plan["latest"]) if "latest" in plan else LATEST
    for name in names:
        array = columns[name]
        assert isinstance(array, Ragged)
        taken = latest(array, rows, most=most)
        out[name] = torch.from_numpy(taken.values)
        out[OFFSETS] = torch.from_numpy(taken.offsets)
    return out


def latest(array: Ragged, rows: np.ndarray, *, most: int) -> Ragged:
    """Return the `most` last events of each of `rows`, which are its latest, in memory; no loop over cases."""
    ends = array.offsets[1:][rows]
    lengths = np.minimum(ends - array.offsets[:-1][rows], most)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    index = np.repeat(ends - lengths - offsets[:-1], lengths) + np.arange(offsets[-1])
    return Ragged(np.asarray(array.values[index]), offsets)
