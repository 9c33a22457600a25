"""The image encoder of predictors with a line behind it, trained to tell classes apart: a judge of what is made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from osler.contract import Batch, InputBatch, Made, Objective, TargetBatch
from osler.spine.fit import Run, draw, fit

BATCH, EPOCHS = 64, 4
AT_ONCE = 256  # pictures that are read at once


class Reading(nn.Module):
    """An encoder, and a line over its vectors."""

    def __init__(self, encoder: nn.Module, *, classes: int) -> None:
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(int(encoder.width), classes)  # type: ignore[arg-type]


class Reader(Objective):
    """Tells classes apart; trained for as many pictures whatever it is given, and never stopped early, so that no further case is
    needed to choose by."""

    module: Reading
    keeps: ClassVar[Literal["best", "last"]] = "last"

    def __init__(self, encoder: nn.Module, *, name: str, classes: int, half: bool) -> None:
        self.name, self.half = name, half
        self.module = Reading(encoder, classes=classes)

    def optimisers(self, *, plan: Mapping[str, Any]) -> tuple[torch.optim.Optimizer, ...]:
        """Return AdamW."""
        return (torch.optim.AdamW(self.module.parameters(), lr=plan["fit.learning_rate"], weight_decay=0.05, fused=True),)

    def step(self, batch: Batch, *, turn: int, generator: torch.Generator) -> Tensor:
        """Return the cross-entropy (B,)."""
        assert batch.target is not None
        with torch.autocast(batch.target.values.device.type, torch.bfloat16, enabled=self.half):
            raw = self.module.head(self.vectors(batch))
        return F.cross_entropy(raw.float(), batch.target.values[:, 0].long(), reduction="none")

    def score(self, batches: Iterable[Batch]) -> float:
        """Return 0: nothing is chosen."""
        return 0.0

    def vectors(self, batch: Batch) -> Tensor:
        """Return (B, width)."""
        fields = batch.inputs[self.name].fields
        found: Tensor = self.module.encoder(self.module.encoder.lift(fields), fields).vector  # type: ignore[operator]
        return found if found.dim() == 2 else found.mean(1)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Labelled pictures: `pixels` (n, channels, i, j) in the units of the files, `classes` (n,) int64."""

    pixels: np.ndarray
    classes: np.ndarray

    def __len__(self) -> int:
        return len(self.classes)

    def take(self, rows: np.ndarray) -> Pictures:
        """Return the pictures `rows`."""
        return Pictures(self.pixels[rows], self.classes[rows])


def pictures_of(made: Made, rows: np.ndarray) -> Pictures:
    """Return the real pictures `rows` as the generator saw them, with their classes, -1 where not known."""
    name = next(iter(made.source.columns))
    field = made.source.columns[name].names("input")[0]
    parts = []
    for start in range(0, len(rows), AT_ONCE):
        batch = made.source.batch(rows[start : start + AT_ONCE])
        parts.append(batch.inputs[name].fields[field].float().cpu().numpy())
    classes = np.full(len(rows), -1, np.int64)
    if made.target is not None:
        observed = made.target.observed[rows, 0]
        classes[observed] = made.target.values[rows, 0][observed].astype(np.int64)
    return Pictures(np.concatenate(parts), classes)


def mixture(real: Pictures, made: Pictures | None) -> tuple[Pictures, np.ndarray]:
    """Return pictures, and rows (m,) among them in which real and made ones are as frequent."""
    if made is None:
        return real, np.arange(len(real))
    both = Pictures(np.concatenate([real.pixels, made.pixels]), np.concatenate([real.classes, made.classes]))
    times = max(1, round(len(made) / max(1, len(real))))
    return both, np.concatenate([np.tile(np.arange(len(real)), times), len(real) + np.arange(len(made))])


@dataclass(frozen=True, slots=True)
class Learning:
    """How readers are trained: `seen` pictures, moved as predictors' pictures are where `moved`."""

    made: Made
    folder: Path
    seen: int
    classes: int

    def reader(self, pictures: Pictures, rows: np.ndarray, *, name: str, moved: bool) -> Reader:
        """Return a reader trained on `rows` of `pictures`."""
        made, field = self.made, self._field()
        seed = draw(made.seed, 0x4EAD)  # the same first weights for all, so that what differs is what they saw
        torch.manual_seed(seed)
        modality, plan = made.source.modalities[field[0]], made.plan.part(f"inputs.{field[0]}")
        encoder = modality.encoder(plan=plan, state=made.states[field[0]], output="vector")
        reader = Reader(encoder, name=field[0], classes=self.classes, half=made.plan["fit.precision"] == "bfloat16")
        reader.module.to(made.source.device)

        def batch_of(chosen: np.ndarray, at: int) -> Batch:
            batch = self.batch(pictures.take(chosen))
            if not moved:
                return batch
            generator = torch.Generator(made.source.device).manual_seed(at)
            fields = dict(batch.inputs[field[0]].fields)
            fields = modality.augment(fields, warps={field[1]: "linear"}, plan=plan, generator=generator)
            return Batch({field[0]: InputBatch(fields, batch.inputs[field[0]].index)}, batch.size, batch.target)

        run = Run(self._plan(len(rows)), made.seed, 0, self.folder / name)
        fit(reader, batch_of, rows=rows, tune=lambda: (), run=run)
        return reader

    def batch(self, pictures: Pictures) -> Batch:
        """Return all of `pictures` as a batch on the device."""
        name, field = self._field()
        device = self.made.source.device
        pixels = torch.from_numpy(np.ascontiguousarray(pictures.pixels)).float().to(device)
        values = torch.from_numpy(pictures.classes).float()[:, None].to(device)
        index = torch.arange(len(pixels), device=device)
        target = TargetBatch(values, torch.ones_like(values, dtype=torch.bool))
        return Batch({name: InputBatch({field: pixels}, index)}, len(pixels), target)

    @torch.no_grad()
    def read(self, reader: Reader, pictures: Pictures) -> tuple[np.ndarray, np.ndarray]:
        """Return vectors (n, width) and chances of each class (n, classes)."""
        reader.module.eval()
        vectors, chances = [], []
        for start in range(0, len(pictures), AT_ONCE):
            found = reader.vectors(self.batch(pictures.take(np.arange(start, min(start + AT_ONCE, len(pictures))))))
            vectors.append(found.double().cpu().numpy())
            chances.append(reader.module.head(found).softmax(1).double().cpu().numpy())
        return np.concatenate(vectors), np.concatenate(chances)

    def _field(self) -> tuple[str, str]:
        name = next(iter(self.made.source.columns))
        return name, self.made.source.columns[name].names("input")[0]

    def _plan(self, rows: int) -> dict[str, Any]:
        """Return the plan of a reader: the settings of predictors of pictures (docs/lab.md), for `seen` pictures."""
        each = max(BATCH, self.seen // EPOCHS)
        return {
            "fit.epochs": EPOCHS, "fit.batch": BATCH, "fit.learning_rate": 3e-3, "fit.clip": 1.0, "fit.ema": 0.97,
            "fit.epoch_cases": each, "fit.rounds": math.ceil(each / rows), "fit.precision": "float32",
        }  # fmt: skip
