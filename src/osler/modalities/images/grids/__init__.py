"""Images on their own grids: volumes and pictures of any shape, of which windows are cut, for targets on a grid.

The same rooms as its parent's, one file each: `decide` and `read` (files to cases), `place` (how a file lies), `encode`, `facts`,
`rules` and `sizes`, `fit`, `windows`, `augment`, `network`, `tiles` (inference and the way back), `baseline`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from osler.contract import Modality, Output
from osler.core.columns import NO_WORDS, Columns, Field, stacked
from osler.core.errors import Refusal, Refused
from osler.core.features import Features
from osler.core.grid import Grid
from osler.core.plan import Brief, Decision, Rung
from osler.core.provenance import Provenance
from osler.core.state import State
from osler.core.target import Target
from osler.modalities.images.grids import windows as windows_of
from osler.modalities.images.grids.case import HASHES, VOLUME, GridImage

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class Grids(Modality):
    """The form of images that keeps each case on its own grid; `Images` asks it where a study has this form."""

    name: ClassVar[str] = "images"
    outputs: ClassVar[frozenset[Output]] = frozenset({"map"})
    form: ClassVar[tuple[str, ...]] = ("strides", "filters", "widths", "depth")
    shard_cases: ClassVar[int] = 8

    def reading(self, locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
        """Decide axes, spacing, channels and type from headers."""
        from osler.modalities.images.grids.decide import reading

        return reading(locators, settings=settings)

    def fields(self, *, reading: Mapping[str, Any]) -> tuple[Field, ...]:
        """Return volumes, levels and places for the network, masks with what helps to find labels."""
        from osler.modalities.images.grids.encode import fields

        return fields(reading=reading)

    def encode(self, case: Any, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
        """Return one case's arrays."""
        from osler.modalities.images.grids.encode import encode

        return encode(case, reading=reading, roles=roles)

    def fingerprint(self, case: Any) -> tuple[int, int]:
        """Return the hash of the values."""
        from osler.modalities.images.grids.encode import fingerprint

        return fingerprint(case)

    def read(self, locator: Any, *, reading: Mapping[str, Any]) -> GridImage | None:
        """Return one case with its masks; raises Refused."""
        from osler.modalities.images.grids.read import read

        return read(locator, reading=reading, marks=bool(getattr(locator, "masks", ())))

    def shard(self, locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
        """Read and encode one case after the other; what readers would say stands in the refusals."""
        from osler.modalities.images.read import quiet

        fields = tuple(f for f in self.fields(reading=reading) if f.role in roles)
        rows: list[dict[str, np.ndarray] | None] = []
        refusals: dict[int, Refusal] = {}
        prints = np.zeros((len(locators), 2), np.int64)
        with quiet():
            for row, locator in enumerate(locators):
                try:
                    case = self._case(locator, reading=reading)
                    rows.append(None if case is None else self.encode(case, reading=reading, roles=roles))
                    prints[row] = (0, 0) if case is None else self.fingerprint(case)
                except Refused as refused:
                    refusals[row] = refused.refusal
                    rows.append(None)
        arrays = {f.name: stacked(f, [None if r is None else r[f.name] for r in rows]) for f in fields}
        return Columns(fields, arrays, np.array([r is not None for r in rows], bool), prints, refusals, NO_WORDS)

    def facts(
        self, columns: Columns, rows: np.ndarray, *, target: Target | None = None, groups: np.ndarray | None = None
    ) -> Mapping[str, Any]:
        """Return shapes, spacings, intensities and how much of a case each label takes."""
        from osler.modalities.images.grids.facts import facts

        return facts(columns, rows)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return normalisation, augmentation, inference and training."""
        from osler.modalities.images.grids.rules import rules

        return rules(brief)

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return windows and sizes of the network."""
        from osler.modalities.images.grids.sizes import ladder

        return ladder(brief)

    def fit(self, columns: Columns, rows: np.ndarray, *, groups: np.ndarray, plan: Mapping[str, Any]) -> State:
        """Learn the scale of intensities."""
        from osler.modalities.images.grids.fit import fit

        return fit(columns, rows, groups=groups, kind=str(plan.get("kind", "")))

    def windows(
        self, columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], generator: np.random.Generator, moved: bool = True
    ) -> np.ndarray | None:
        """Return windows, a share of them about labels."""
        return windows_of.windows(columns, rows, plan=plan, generator=generator, moved=moved)

    def gather(
        self, columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], windows: np.ndarray | None, names: Sequence[str]
    ) -> dict[str, Tensor]:
        """Return windows of volumes and masks."""
        return windows_of.gather(columns, rows, windows=windows, names=names)

    def augment(
        self, fields: dict[str, Tensor], *, warps: Mapping[str, str], plan: Mapping[str, Any], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return the windows moved and re-lit, masks moved with them."""
        from osler.modalities.images.grids.augment import augment

        return augment(fields, plan=plan, generator=generator)

    def encoder(self, *, plan: Mapping[str, Any], state: State, output: Output) -> nn.Module:
        """Return the residual U-Net."""
        from osler.modalities.images.grids.network import GridEncoder

        return GridEncoder(plan=plan, state=state)

    def tiles(self, columns: Columns, row: int, *, plan: Mapping[str, Any]) -> np.ndarray | None:
        """Return overlapping tiles."""
        from osler.modalities.images.grids.tiles import tiles

        return tiles(columns, row, plan=plan)

    def tile_weights(self, shape: tuple[int, ...], *, plan: Mapping[str, Any]) -> np.ndarray:
        """Return a Gaussian."""
        from osler.modalities.images.grids.tiles import tile_weights

        return tile_weights(shape)

    def stored(self, columns: Columns, row: int) -> tuple[int, ...]:
        """Return the shape of the stored grid."""
        from osler.modalities.images.grids.tiles import stored

        return stored(columns, row)

    def grid(self, columns: Columns, row: int) -> Grid:
        """Return the grid of the case's file."""
        from osler.modalities.images.grids.tiles import grid

        return grid(columns, row)

    def restored(self, raw: np.ndarray, columns: Columns, row: int) -> Iterator[np.ndarray]:
        """Yield the raw map on the file's grid."""
        from osler.modalities.images.grids.tiles import restored

        return restored(raw, columns, row)

    def truth(self, columns: Columns, row: int) -> np.ndarray:
        """Return the masks as they were read."""
        from osler.modalities.images.grids.tiles import truth

        return truth(columns, row)

    def write_marks(self, marks: np.ndarray, columns: Columns, row: int, *, folder: Path, name: str) -> Path:
        """Write a NIfTI file (of pictures, PNG) in the geometry of the case's file; several channels are a fourth axis, or files of
        their own."""
        from osler.modalities.images.grids.write import write_marks

        return write_marks(marks, columns, row, folder=folder, name=name)

    def persons(self, columns: Columns) -> np.ndarray | None:
        """Return the hashes of the headers' patients."""
        return np.asarray(columns[HASHES])[:, 0]

    def write_image(
        self, values: np.ndarray, locator: Any, columns: Columns, row: int, *, folder: Path, name: str, provenance: Provenance,
        reading: Mapping[str, Any],
    ) -> Path:  # fmt: skip
        """Write a derived DICOM series, a PNG or a NIfTI file, as the case's own file is."""
        from osler.modalities.images.grids.derived import write_image

        series = reading["series"]
        return write_image(values, locator, columns, row, folder=folder, name=name, provenance=provenance, series=series)

    def baseline_features(
        self,
        columns: Columns,
        rows: np.ndarray,
        *,
        state: State,
        at: Literal["case", "grid"] = "case",
        generator: np.random.Generator | None = None,
    ) -> Features:
        """Return features of places."""
        from osler.modalities.images.grids.baseline import baseline_features

        return baseline_features(columns, rows, generator=generator)

    def picture(
        self, columns: Columns, row: int, *, layers: Mapping[str, np.ndarray] | None = None, state: State | None = None
    ) -> str | None:
        """Return slices of the case with its marks."""
        from osler.modalities.images.grids.look import picture

        return picture(columns, row, layers=layers or {}) if columns.present[row] else None


def is_grid(columns: Columns) -> bool:
    """Return whether columns hold cases on their own grids."""
    return VOLUME in columns.arrays
