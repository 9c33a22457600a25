"""A tiny modality that proves the contract: ragged grey pictures on a grid, which carry a mask and give maps.

Not a part of Osler: it is the smallest thing that uses every promise that tables leave at its default.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from osler.contract import Encoded, Modality
from osler.core.columns import Columns, Field, Ragged
from osler.core.errors import Refusal, Refused
from osler.core.features import Features
from osler.core.plan import Brief, Decision, Rung
from osler.core.state import State

SIDE = 8
LARGEST = 16


@dataclass(frozen=True)
class Strip:
    """`image` (i, j) float32, `mask` (i, j) uint8 or None."""

    image: np.ndarray
    mask: np.ndarray | None


@dataclass(frozen=True)
class StripFiles:
    """Where a case lies."""

    paths: tuple[str, ...]


class Strips(Modality):
    """Pictures of any size in .npy files."""

    name: ClassVar[str] = "strips"
    opens = (".npy",)
    outputs = frozenset({"vector", "map"})
    shard_cases: ClassVar[int] = 5

    def locate(self, table, *, columns, aligned=(), options=None, cache=None):
        cells = [table.rows.column(c).to_pylist() for c in (*columns, *aligned)]
        rows = zip(*cells, strict=True)
        return [None if row[0] is None else StripFiles(tuple(str(table.folder / c) for c in row if c)) for row in rows]

    def read(self, locator, *, reading):
        try:
            arrays = [np.load(p, allow_pickle=False) for p in locator.paths]
        except (OSError, ValueError):
            raise Refused(Refusal("unreadable", "the file is no picture")) from None
        return Strip(arrays[0].astype(np.float32), arrays[1] if len(arrays) > 1 else None)

    def fields(self, *, reading):
        return (
            Field("image", "float32", (None, None), warp="linear"),
            Field("mask", "uint8", (None, None), role="target", warp="nearest"),
        )

    def encode(self, case, *, reading, roles):
        mask = np.zeros(case.image.shape, np.uint8) if case.mask is None else case.mask
        arrays = {"image": case.image, "mask": mask}
        return {f.name: arrays[f.name] for f in self.fields(reading=reading) if f.role in roles}

    def fingerprint(self, case):
        digest = hashlib.blake2b(case.image.tobytes() + repr(case.image.shape).encode(), digest_size=16).digest()
        first, second = np.frombuffer(digest, np.int64)
        return int(first), int(second)

    def facts(self, columns: Columns, rows: np.ndarray, *, target=None, groups=None) -> Mapping[str, Any]:
        return {"cases": len(rows)}

    def rules(self, brief: Brief):
        return (Decision("flip", True, "strips have no side"),)

    def ladder(self, brief: Brief):
        return tuple(Rung(name, (Decision("width", width, "size"),)) for name, width in (("small", 12), ("large", 16)))

    def fit(self, columns, rows, *, groups, plan):
        values = columns["image"].take(rows).values if len(rows) else np.zeros(1)
        return State({"scale": np.array([values.mean(), values.std() + 1e-6], np.float32)})

    def windows(self, columns, rows, *, plan, generator, moved=True):
        shapes = columns["image"].shapes[rows]
        start = (generator.random(shapes.shape) * np.maximum(shapes - SIDE + 1, 1)).astype(int)
        return np.stack([start, start + SIDE], axis=-1)

    def gather(self, columns, rows, *, plan, windows, names):
        if windows is None:
            shapes = columns["image"].shapes[rows]
            side = np.maximum(shapes.max(0), LARGEST)  # whatever else is in the batch
            windows = np.stack([np.zeros_like(shapes), np.broadcast_to(side, shapes.shape)], axis=-1)
        return {name: torch.from_numpy(_cut(columns[name], rows, windows)) for name in names}

    def augment(self, fields, *, warps, plan, generator):
        if not plan["flip"]:
            return fields
        flip = torch.rand(len(fields["image"]), generator=generator) < 0.5
        moved = {}
        for name, values in fields.items():
            moved[name] = torch.where(flip[:, None, None], values.flip(-1), values) if warps[name] != "none" else values
        return moved

    def encoder(self, *, plan, state, output):
        return StripEncoder(width=plan["width"], scale=state.arrays["scale"])

    def tiles(self, columns, row, *, plan):
        shape = columns["image"].shapes[row]
        corners = [(i, j) for i in range(0, shape[0], SIDE) for j in range(0, shape[1], SIDE)]
        return np.array([[[i, i + SIDE], [j, j + SIDE]] for i, j in corners])

    def stored(self, columns, row):
        return tuple(columns["image"].shapes[row])

    def picture(self, columns, row, *, layers=None, state=None):
        shape = "x".join(map(str, self.stored(columns, row)))
        told = " ".join(f"{name}={int((values > 0).sum())}" for name, values in (layers or {}).items())
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><desc>{shape} {told}</desc></svg>'

    def baseline_features(self, columns, rows, *, state, at="case", generator=None):
        images: Ragged = columns["image"]
        if at == "case":
            nothing = np.full(2, np.nan)
            matrix = np.array([[i.mean(), i.std()] if (i := images[r]).size else nothing for r in rows], np.float32)
            return Features(matrix.reshape(-1, 2), np.arange(len(rows)), ("mean", "sd"), np.zeros(2, bool))
        matrix, positions, places = [], [], []
        for turn, row in enumerate(rows):
            image = images[row]
            around = (np.roll(image, 1, 0) + np.roll(image, -1, 0) + np.roll(image, 1, 1) + np.roll(image, -1, 1)) / 4
            where = np.arange(image.size)
            if generator is not None:
                where = np.sort(generator.choice(where, min(len(where), 64), replace=False))
            matrix.append(np.stack([image.reshape(-1)[where], around.reshape(-1)[where]], axis=1))
            positions.append(np.full(len(where), turn))
            places.append(where)
        return Features(
            np.concatenate(matrix).astype(np.float32), np.concatenate(positions), ("here", "around"), np.zeros(2, bool),
            np.concatenate(places),
        )  # fmt: skip


class StripEncoder(nn.Module):
    """Two convolutions."""

    def __init__(self, *, width: int, scale: np.ndarray) -> None:
        super().__init__()
        self.width = width
        self.channels = (width,)
        self.register_buffer("scale", torch.from_numpy(scale))
        self.body = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU())

    def lift(self, fields: Mapping[str, Tensor]) -> Tensor:
        return ((fields["image"] - self.scale[0]) / self.scale[1])[:, None]

    def forward(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Encoded:
        maps = self.body(lifted)
        return Encoded(maps.mean((2, 3)), (maps,), (1,))


def _cut(array: Ragged, rows: np.ndarray, windows: np.ndarray) -> np.ndarray:
    sides = windows[:, :, 1] - windows[:, :, 0]
    out = np.zeros((len(rows), *sides.max(0)), array.values.dtype)
    for turn, row in enumerate(rows):
        (top, _), (left, _) = windows[turn]
        part = array[row][top : top + sides[turn, 0], left : left + sides[turn, 1]]
        out[turn, : part.shape[0], : part.shape[1]] = part
    return out


def write_strips(folder: Path, *, cases: int, seed: int = 0) -> list[dict[str, Any]]:
    """Write pictures in which the bright rectangle is the mask; return the rows of their table."""
    generator = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for number in range(cases):
        shape = generator.integers(9, 15, 2)
        mask = np.zeros(shape, np.uint8)
        top, left = generator.integers(0, shape - 5)
        mask[top : top + 4, left : left + 5] = 1
        image = generator.normal(0, 0.3, shape).astype(np.float32) + mask * 1.5
        np.save(folder / f"image{number}.npy", image)
        np.save(folder / f"mask{number}.npy", mask)
        rows.append({
            "image": f"image{number}.npy", "mask": f"mask{number}.npy", "bright": ["no", "yes"][int(image.mean() > 0.25)],
            "level": float(image.mean()), "age": float(generator.normal(60, 10)), "patient": f"p{number // 2}",
        })  # fmt: skip
    return rows


def rows_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> dict[str, list[Any]]:
    """Return the table as columns."""
    return {c: [r[c] for r in rows] for c in columns}
