"""Batches from columns: gathered by index, augmented as a batch, on the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from osler.contract import Batch, InputBatch, Modality, TargetBatch
from osler.core.columns import Columns
from osler.core.plan import Plan
from osler.core.target import Target

# Cases at once on a processor, whatever the plan says: what a network holds of them then stays in the processor's cache. The largest
# network over a table takes 159 µs a case with 4,096 at once and 67 µs with 512, and gives the same bytes.
ON_PROCESSOR = 512


@dataclass(frozen=True, slots=True)
class Source:
    """All inputs of a study, ready to be cut into batches.

    `modalities`, `columns` by input name; `target` is None in prediction. `anchor` names the input whose columns hold a
    target on a grid.
    """

    modalities: Mapping[str, Modality]
    columns: Mapping[str, Columns]
    plan: Plan
    target: Target | None = None
    anchor: str | None = None
    device: str = "cpu"

    def batch(self, rows: np.ndarray, *, seed: int | None = None) -> Batch:
        """Return the cases `rows`; with a `seed` windows are drawn and fields augmented (training). Without one cases are whole, but
        for those that carry a target on a grid: of them it is always the same windows."""
        inputs, grid_target = {}, None
        for order, name in enumerate(self.modalities):
            part, target = self._input(name, rows, seed=None if seed is None else seed + order)
            inputs[name] = part
            grid_target = target if target is not None else grid_target
        if self.target is None:
            return Batch(inputs, len(rows))
        weight = None if self.target.weight is None else self._tensor(self.target.weight[rows]).float()
        return Batch(inputs, len(rows), grid_target or self._vector_target(rows), weight)

    def tiled(self, row: int, tiles: np.ndarray) -> Batch:
        """Return the `tiles` (t, axes, 2) of one case as a batch of t; its other inputs are repeated."""
        rows = np.full(len(tiles), row)
        inputs = {}
        for name, modality in self.modalities.items():
            columns, plan = self.columns[name], self.plan.part(f"inputs.{name}")
            here = np.flatnonzero(columns.present[rows])
            windows = tiles[here] if name == (self.anchor or next(iter(self.modalities))) else None
            names = columns.names("input")
            fields = modality.gather(columns, rows[here], plan=plan, windows=windows, names=names) if len(here) else {}
            inputs[name] = InputBatch({k: v.to(self.device) for k, v in fields.items()}, torch.from_numpy(here).to(self.device))
        return Batch(inputs, len(tiles))

    def batches(self, rows: np.ndarray, *, size: int) -> Iterator[Batch]:
        """Yield the cases `rows` in order, whole and unaugmented, at most `size` at once."""
        size = min(size, ON_PROCESSOR) if self.device == "cpu" else size
        size = min(size, self.plan["fit.batch"]) if self.anchor is not None else size  # windows are large
        for start in range(0, len(rows), size):
            yield self.batch(rows[start : start + size])

    def _vector_target(self, rows: np.ndarray) -> TargetBatch:
        assert self.target is not None
        values = self._tensor(self.target.values[rows]).float()
        side = None if self.target.side is None else self._tensor(self.target.side[rows])
        return TargetBatch(values, self._tensor(self.target.observed[rows]), side)

    def _input(self, name: str, rows: np.ndarray, *, seed: int | None) -> tuple[InputBatch, TargetBatch | None]:
        modality, columns, plan = self.modalities[name], self.columns[name], self.plan.part(f"inputs.{name}")
        here = np.flatnonzero(columns.present[rows])
        index = torch.from_numpy(here).to(self.device)
        names = columns.names("input")
        targets = columns.names("target") if self.target is not None and name == self.anchor else ()
        if len(here) == 0:
            return InputBatch({}, index), None
        windows = None
        if seed is not None or targets:
            generator = np.random.default_rng(0 if seed is None else seed)
            windows = modality.windows(columns, rows[here], plan=plan, generator=generator, moved=seed is not None)
        fields = modality.gather(columns, rows[here], plan=plan, windows=windows, names=[*names, *targets])
        fields = {k: v.to(self.device, non_blocking=True) for k, v in fields.items()}
        if seed is not None:
            draws = torch.Generator(self.device).manual_seed(seed)
            warps = {f.name: f.warp for f in columns.fields if f.name in fields}
            fields = modality.augment(fields, warps=warps, plan=plan, generator=draws)
        return InputBatch(fields, index), _grid_target(columns, fields, targets)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)


def _grid_target(columns: Columns, fields: dict[str, Tensor], targets: tuple[str, ...]) -> TargetBatch | None:
    """Take the target out of an anchor's `fields`; places with the field's value for what nobody marked, and NaN, are not observed."""
    if not targets:
        return None
    values = fields.pop(targets[0])
    unmarked = columns.field(targets[0]).unmarked
    return TargetBatch(values, ~torch.isnan(values) if unmarked is None else values != unmarked)
