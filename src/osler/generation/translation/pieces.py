"""Batches of slices: cut out of the cases, mirrored and lit, both sides alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from osler.contract import Batch, InputBatch
from osler.contract.maker import Batches
from osler.generation.translation.scale import Scale, ends_of, scales_of
from osler.generation.translation.slices import Side, cut, sides

PICTURE, KNOWN = (
    "picture",
    "known",
)  # (B, channels, i, j) float32 on the network's scale, and (B, 1, i, j) bool: what lies inside its case
SOURCE, TARGET = "source", "target"  # the sides of a batch
AIR = -1.0  # what lies beyond the rim of a slice
STILL = 4  # slices of each volume by which training is scored
TRIES = 4  # slices drawn of a volume until one holds more than air
ABOVE, NO_ENDS = 0.2, np.zeros((1, 2))
FULL = 0.02  # share of a slice above the air from which it holds more


@dataclass(frozen=True, slots=True)
class Pieces:
    """Where slices are cut: both `sides`, their `scales`, the `patch` (i, j) that networks see, neighbours `beside`, the `mirror` axes."""

    sides: tuple[Side, Side]
    scales: tuple[Scale, Scale]
    plan: Mapping[str, Any]
    device: str = "cpu"
    known: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)  # ends of cases that were looked at

    @classmethod
    def of(cls, source: Batches, info: Mapping[str, Any]) -> Pieces:
        """Return how the cases of `source` are cut; `info` holds the ends of intensities."""
        return cls(sides(source.columns), scales_of(source.plan, info), source.plan, source.device)

    @property
    def beside(self) -> int:
        """How many neighbours of a slice the translator sees on each side."""
        return int(self.plan["translation.neighbours"])

    def paired(self, rows: np.ndarray, *, seed: int, moved: bool = True) -> Batch:
        """Return one slice of each of `rows`, drawn, source and target alike; mirrored and lit where they are to be `moved`."""
        draws = np.random.default_rng(seed)
        cuts = [self._drawn(0, int(row), draws=draws) for row in rows]
        source = [self._piece(0, int(row), *where, beside=self.beside) for row, where in zip(rows, cuts, strict=True)]
        target = [self._piece(1, int(row), *where, beside=0) for row, where in zip(rows, cuts, strict=True)]
        flips = (draws.random(len(rows)) < 0.5) & moved
        parts = {SOURCE: self._moved(source, flips), TARGET: self._moved(target, flips)}
        if moved:
            parts[SOURCE] = self._lit(parts[SOURCE], draws=draws)
        return self._batch(parts)

    def unpaired(self, rows: np.ndarray, *, seed: int, moved: bool = True) -> Batch:
        """Return slices of those of `rows` that have a source, and of those that have a target, as many of each side as `rows`: some are
        drawn again. A side that none of `rows` has is not in the batch."""
        draws = np.random.default_rng(seed)
        parts = {}
        for number, (name, side) in enumerate(zip((SOURCE, TARGET), self.sides, strict=True)):
            own = rows[side.present[rows]]
            if not len(own):
                continue
            taken = draws.choice(own, len(rows)) if moved else own
            beside = self.beside if number == 0 else 0
            cuts = [self._drawn(number, int(row), draws=draws) for row in taken]
            found = [self._piece(number, int(row), *where, beside=beside) for row, where in zip(taken, cuts, strict=True)]
            parts[name] = self._moved(found, (draws.random(len(taken)) < 0.5) & moved)
        return self._batch(parts)

    def still(self, rows: np.ndarray) -> Iterator[Batch]:
        """Yield slices of `rows` that are always the same, of volumes several, neither mirrored nor lit."""
        cut = self.paired if self.plan["translation.pairing"] == "paired" else self.unpaired
        size = int(self.plan["fit.batch"])
        for turn in range(1 if self.sides[0].axes == 2 else STILL):
            for start in range(0, len(rows), size):
                yield cut(rows[start : start + size], seed=turn * len(rows) + start, moved=False)

    def _drawn(self, number: int, row: int, *, draws: np.random.Generator) -> tuple[int, tuple[int, int]]:
        """Return which slice of a case, and where its patch begins: about the middle of what is smaller than the patch."""
        side = self.sides[number]
        depth, shape = side.depth(row), side.shape(row)
        at = depth // 2
        for _ in range(0 if depth == 1 else TRIES):
            at = int(draws.integers(depth))
            if self._holds(number, row, at):
                break
        room = [size - want for size, want in zip(shape[:2], self.plan["translation.patch"], strict=True)]
        start = [int(draws.integers(r + 1)) if r > 0 else r // 2 for r in room]
        return at, (start[0], start[1])

    def _holds(self, number: int, row: int, at: int) -> bool:
        thin = cut(self.sides[number].image(row), at, beside=0)[:, ::4, ::4]
        return bool((self.lifted(number, row, thin) > AIR + ABOVE).mean() > FULL)

    def lifted(self, number: int, row: int, values: np.ndarray) -> np.ndarray:
        """Return `values` (channels, …) of case `row` of a side on the network's scale."""
        scale, key = self.scales[number], (number, row)
        if scale.how == "case" and key not in self.known:
            self.known[key] = ends_of(self.sides[number].image(row))
        return scale.lifted(scale.comparable(values, own=self.known.get(key, NO_ENDS)))

    def _piece(self, number: int, row: int, at: int, start: tuple[int, int], *, beside: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a patch (channels, i, j) float32 on the network's scale, and where it lies inside its case (1, i, j)."""
        image = self.sides[number].image(row)
        neighbours = range(at - beside, at + beside + 1) if image.ndim == 4 else (at,)
        last = image.shape[-1] - 1
        values = np.concatenate([self.lifted(number, row, cut(image, min(max(n, 0), last), beside=0)) for n in neighbours])
        patch = tuple(self.plan["translation.patch"])
        out, known = np.full((len(values), *patch), AIR, np.float32), np.zeros((1, *patch), bool)
        spans = [(max(0, a), min(size, a + want)) for a, size, want in zip(start, values.shape[1:], patch, strict=True)]
        to = tuple(slice(low - a, high - a) for (low, high), a in zip(spans, start, strict=True))
        out[:, *to] = values[:, spans[0][0] : spans[0][1], spans[1][0] : spans[1][1]]
        known[:, *to] = True
        return out, known

    def _moved(self, pieces: Sequence[tuple[np.ndarray, np.ndarray]], flips: np.ndarray) -> list[np.ndarray]:
        values, known = (np.stack(part) for part in zip(*pieces, strict=True))
        for axis in self.plan["translation.mirror"]:
            for part in (values, known):
                part[flips] = np.flip(part[flips], 2 + int(axis))
        return [values, known]

    def _lit(self, parts: list[np.ndarray], *, draws: np.random.Generator) -> list[np.ndarray]:
        """Return source slices of another brightness and contrast, as another scanner might give them; air stays air."""
        values, known = parts
        light = float(self.plan["translation.light"])
        gain = draws.uniform(1 - light, 1 + light, (len(values), 1, 1, 1)).astype(np.float32)
        bend = np.exp(draws.uniform(-light, light, (len(values), 1, 1, 1))).astype(np.float32)
        up = np.clip((values + 1) / 2, 0, None)
        return [(gain * up**bend) * 2 - 1, known]

    def _batch(self, parts: Mapping[str, list[np.ndarray]]) -> Batch:
        inputs, size = {}, max((len(values) for values, _ in parts.values()), default=0)
        for name, (values, known) in parts.items():
            fields = {PICTURE: self._tensor(values), KNOWN: self._tensor(known)}
            inputs[name] = InputBatch(fields, torch.arange(len(values), device=self.device))
        return Batch(inputs, size)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)


def pictures(batch: Batch, name: str) -> tuple[Tensor, Tensor]:
    """Return the slices (B, channels, i, j) of a side and where they lie inside their cases."""
    fields = batch.inputs[name].fields
    return fields[PICTURE], fields[KNOWN]
