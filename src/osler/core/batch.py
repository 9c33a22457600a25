"""Cases on the device, as networks see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class TargetBatch:
    """The outcome of a batch on the device: `values` and `observed` (B, k), or on the grid (B, channels, i, j[, k]); `side` (B, k) as
    of `Target`, None where no value is a bound."""

    values: Tensor
    observed: Tensor
    side: Tensor | None = None


@dataclass(frozen=True, slots=True)
class InputBatch:
    """One input of a batch: `fields` of the cases that have it, `index` (present,) int64 where they stand in the batch."""

    fields: Mapping[str, Tensor]
    index: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch on the device: inputs by name, the target where it is known, per-case `weight` (B,) or None."""

    inputs: Mapping[str, InputBatch]
    size: int
    target: TargetBatch | None = None
    weight: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder gives: `vector` (B, width), or (B, K, width) from an encoder that carries K models in one (the head
    then runs on each, and their raw outputs are averaged); `maps` from fine to coarse, each (B, channels, i, j[, k]),
    `strides` their distances in input elements."""

    vector: Tensor
    maps: tuple[Tensor, ...] = ()
    strides: tuple[int, ...] = ()
