"""Images: pictures and volumes of one or several channels, from files whose paths stand in the table.

Where the target lies on the grid, each case keeps its own (`grids`); else all are brought to one size, pictures in the rooms of this
folder, volumes in those of `volumes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from osler.contract import NO_OPTIONS, Modality, Output
from osler.core.columns import Columns, Field
from osler.core.drift import Shift
from osler.core.errors import PlanError
from osler.core.features import Features
from osler.core.grid import Grid
from osler.core.leak import Leak
from osler.core.plan import Brief, Decision, Rung
from osler.core.provenance import Provenance
from osler.core.split import Split
from osler.core.state import State
from osler.core.table import Table
from osler.core.target import Target
from osler.modalities.images.case import OWN_GRID
from osler.modalities.images.grids import Grids, is_grid
from osler.modalities.images.volumes import Volumes, is_volume

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from osler.core.errors import Refusal
    from osler.modalities.images.case import Image, ImageFiles
    from osler.modalities.images.grids.case import GridImage
    from osler.modalities.images.volumes.case import VolumeImage


class Images(Modality):
    """The modality of pictures; each promise lives in the room of its name."""

    name: ClassVar[str] = "images"
    opens = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom", ".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")
    writes: ClassVar[tuple[str, ...]] = (".nii.gz", ".png")
    outputs: ClassVar[frozenset[Output]] = frozenset({"vector", "map"})
    form: ClassVar[tuple[str, ...]] = ("width", "depth", "stages", "halvings", "norm", *Grids.form, *Volumes.form)
    shard_cases: ClassVar[int] = 256
    grids: ClassVar[Grids] = Grids()
    volumes: ClassVar[Volumes] = Volumes()

    def cases_at_once(self, reading: Mapping[str, Any]) -> int:
        """Return how many pictures, or of volumes and cases on their own grids how few, one worker reads at a time."""
        return self.shard_cases if reading.get("form", "picture") == "picture" else self.grids.shard_cases

    def recognises(self, cells: Sequence[str]) -> float:
        """A column whose cells end like image files."""
        from osler.modalities.images.read import recognises

        return recognises(cells)

    def locate(
        self, table: Table, *, columns: Sequence[str], aligned: Sequence[str] = (), options: Mapping[str, Any] = NO_OPTIONS,
        cache: Path | None = None,
    ) -> Sequence[ImageFiles | Refusal | None]:  # fmt: skip
        """Return the files of each row; several columns are channels of one picture."""
        from osler.modalities.images.read import locate

        return locate(table, columns=columns, aligned=aligned)

    def cases_in(self, folder: Path, names: Sequence[str], *, reading: Mapping[str, Any]) -> Sequence[str]:
        """Return the files; of volumes, a folder with several DICOM slices is one case."""
        from osler.modalities.images.grids.series import cases_in

        found = super().cases_in(folder, names, reading=reading)
        return cases_in(folder, names, files=found) if reading.get("form") == "grid" and reading.get("axes") == 3 else found

    def digest(self, locators: Sequence[Any], *, file_digest: Callable[[Path], str]) -> str:
        """Return a hash of all files behind `locators`: of masks too, and of folders each file."""
        from osler.modalities.images.read.behind import digest

        return digest(locators, file_digest=file_digest)

    def reading(self, locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
        """Decide form, size, channels and type from the headers; raises PlanError where the user's form cannot be."""
        _check_form(settings, aligned=_aligned(locators) or bool(settings.get(OWN_GRID)))
        if _aligned(locators) or settings.get(OWN_GRID):
            return self.grids.reading(locators, settings=settings)
        if settings.get("form") != "picture" and (found := self.volumes.reading(locators, settings=settings)):
            return found
        from osler.modalities.images.read import reading

        return reading(locators, settings=settings)

    def read(self, locator: Any, *, reading: Mapping[str, Any]) -> Image | GridImage | VolumeImage | None:
        """Return one picture in the size, channels and type that were decided; raises Refused."""
        if other := self._other(reading):
            return other.read(locator, reading=reading)
        from osler.modalities.images.read import read

        return read(locator, reading=reading)

    def fields(self, *, reading: Mapping[str, Any]) -> tuple[Field, ...]:
        """Return pixels for the network, descriptors for the baseline, hashes for the leak check."""
        if other := self._other(reading):
            return other.fields(reading=reading)
        from osler.modalities.images.encode import fields

        return fields(reading=reading)

    def encode(self, case: Any, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
        """Return one picture's arrays."""
        if other := self._other(reading):
            return other.encode(case, reading=reading, roles=roles)
        from osler.modalities.images.encode import encode

        return encode(case, roles=roles)

    def fingerprint(self, case: Any) -> tuple[int, int]:
        """Return the hash of the pixels; of a case on its own grid the grids' shard asks for its own."""
        from osler.modalities.images.encode import fingerprint

        return fingerprint(case)

    def shard(self, locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
        """Read one picture after the other, describe them together; what Pillow and pydicom would say stands in the refusals."""
        if other := self._other(reading):
            return other.shard(locators, reading=reading, roles=roles)
        from osler.modalities.images.encode.shard import shard

        return shard(self, locators, reading=reading, roles=roles)

    def leaks(self, columns: Columns, split: Split, *, target: Target) -> tuple[Leak, ...]:
        """Return near copies, patients on both sides, and scanners and corners that give a class away."""
        from osler.modalities.images.leaks import leaks, same_patient

        if is_grid(columns):
            return tuple(same_patient(columns, split))
        if is_volume(columns):
            return self.volumes.leaks(columns, split, target=target)
        return leaks(columns, split, target=target)

    def facts(
        self, columns: Columns, rows: np.ndarray, *, target: Target | None = None, groups: np.ndarray | None = None
    ) -> Mapping[str, Any]:
        """Return sizes and intensities of the training rows, and what mirroring does to them."""
        if other := self._held(columns):
            return other.facts(columns, rows, target=target)
        from osler.modalities.images.facts import facts

        return facts(columns, rows, target=target)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return augmentation, normalisation and regularisation."""
        if other := self._other(brief.facts):
            return other.rules(brief)
        from osler.modalities.images.rules import rules

        return rules(brief)

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return the sizes of the network."""
        if other := self._other(brief.facts):
            return other.ladder(brief)
        from osler.modalities.images.rules import ladder

        return ladder(brief)

    def fit(self, columns: Columns, rows: np.ndarray, *, groups: np.ndarray, plan: Mapping[str, Any]) -> State:
        """Learn the scale of intensities and the axes of the baseline's low frequencies."""
        if other := self._held(columns):
            return other.fit(columns, rows, groups=groups, plan=plan)
        from osler.modalities.images.fit import fit

        return fit(columns, rows, groups=groups)

    def gather(
        self, columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], windows: np.ndarray | None, names: Sequence[str]
    ) -> dict[str, Tensor]:
        """Return pictures in the size that the network sees."""
        if is_grid(columns):
            return self.grids.gather(columns, rows, plan=plan, windows=windows, names=names)
        from osler.modalities.images.gather import gather

        return gather(columns, rows, plan=plan, names=names)

    def augment(
        self, fields: dict[str, Tensor], *, warps: Mapping[str, str], plan: Mapping[str, Any], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return the batch moved and re-lit, every field by its warp."""
        if plan.get("form") == "grid":
            return self.grids.augment(fields, warps=warps, plan=plan, generator=generator)
        from osler.modalities.images.augment import augment

        return augment(fields, warps=warps, plan=plan, generator=generator)

    def windows(
        self, columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], generator: np.random.Generator, moved: bool = True
    ) -> np.ndarray | None:
        """Return windows of cases on their own grids; pictures of one size are taken whole."""
        if not is_grid(columns):
            return None
        return self.grids.windows(columns, rows, plan=plan, generator=generator, moved=moved)

    def tiles(self, columns: Columns, row: int, *, plan: Mapping[str, Any]) -> np.ndarray | None:
        """Return overlapping tiles of a case on its own grid."""
        return self.grids.tiles(columns, row, plan=plan)

    def tile_weights(self, shape: tuple[int, ...], *, plan: Mapping[str, Any]) -> np.ndarray:
        """Return a Gaussian."""
        return self.grids.tile_weights(shape, plan=plan)

    def stored(self, columns: Columns, row: int) -> tuple[int, ...]:
        """Return the shape of the stored grid."""
        return self.grids.stored(columns, row)

    def grid(self, columns: Columns, row: int) -> Grid:
        """Return the grid of the case's file."""
        return self.grids.grid(columns, row)

    def restored(self, raw: np.ndarray, columns: Columns, row: int) -> Iterator[np.ndarray]:
        """Yield the raw map on the file's grid."""
        return self.grids.restored(raw, columns, row)

    def truth(self, columns: Columns, row: int) -> np.ndarray:
        """Return the masks as they were read."""
        return self.grids.truth(columns, row)

    def write_marks(self, marks: np.ndarray, columns: Columns, row: int, *, folder: Path, name: str) -> Path:
        """Write masks in the geometry of the case's file."""
        return self.grids.write_marks(marks, columns, row, folder=folder, name=name)

    def persons(self, columns: Columns) -> np.ndarray | None:
        """Return who the headers of cases on their own grids name."""
        return self.grids.persons(columns) if is_grid(columns) else None

    def write_image(
        self, values: np.ndarray, locator: Any, columns: Columns, row: int, *, folder: Path, name: str, provenance: Provenance,
        reading: Mapping[str, Any],
    ) -> Path:  # fmt: skip
        """Write an image made of a case on its own grid like the case's own file."""
        return self.grids.write_image(
            values, locator, columns, row, folder=folder, name=name, provenance=provenance, reading=reading
        )

    def drift_sums(
        self, columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any], state: State
    ) -> Mapping[str, np.ndarray]:
        """Return sums of brightness, contrast, sharpness, of histograms, and of the likeness to the mean training picture."""
        if is_grid(columns):
            return {}
        from osler.modalities.images.drift import drift_sums

        return drift_sums(columns, rows, facts=facts, state=state)

    def drift(self, sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any], state: State) -> tuple[Shift, ...]:
        """Return one shift for each of these."""
        if facts.get("form") == "grid":
            return ()
        from osler.modalities.images.drift import drift

        return drift(sums, facts=facts, state=state)

    def encoder(self, *, plan: Mapping[str, Any], state: State, output: Output) -> nn.Module:
        """Return the residual network."""
        if other := self._other(plan):
            return other.encoder(plan=plan, state=state, output=output)
        from osler.modalities.images.network import ImageEncoder

        return ImageEncoder(plan=plan, state=state)

    def baseline_features(
        self,
        columns: Columns,
        rows: np.ndarray,
        *,
        state: State,
        at: Literal["case", "grid"] = "case",
        generator: np.random.Generator | None = None,
    ) -> Features:
        """Return the descriptors and the low frequencies."""
        if is_grid(columns):
            return self.grids.baseline_features(columns, rows, state=state, at=at, generator=generator)
        from osler.modalities.images.baseline import baseline_features

        return baseline_features(columns, rows, state=state)

    def picture(
        self, columns: Columns, row: int, *, layers: Mapping[str, np.ndarray] | None = None, state: State | None = None
    ) -> str | None:
        """Return the picture, or slices of a volume, alone or under attributions."""
        if other := self._held(columns):
            return other.picture(columns, row, layers=layers, state=state)
        from osler.modalities.images.explain import picture

        return picture(columns, row, layers=layers or {})

    def write_attribution(self, attribution: np.ndarray, columns: Columns, row: int, *, folder: Path, name: str) -> Path | None:
        """Write the attribution of a volume in the geometry of its file; pictures are drawn alone."""
        if not is_volume(columns):
            return None
        return self.volumes.write_attribution(attribution, columns, row, folder=folder, name=name)

    def sketch(self, plan: Mapping[str, Any]) -> str | None:
        """Return a test pattern as training steps may see it."""
        if plan.get("form") == "grid":
            return None
        if plan.get("form") == "volume":
            return self.volumes.sketch(plan)
        from osler.modalities.images.explain.sketch import sketch

        return sketch(plan)

    def _other(self, about: Mapping[str, Any]) -> Grids | Volumes | None:
        """Return the form that decisions or facts name, None where it is that of pictures."""
        forms: Mapping[str, Grids | Volumes] = {"grid": self.grids, "volume": self.volumes}
        return forms.get(str(about.get("form")))

    def _held(self, columns: Columns) -> Grids | Volumes | None:
        """Return the form of the cases that columns hold, None where they are pictures."""
        return self.grids if is_grid(columns) else self.volumes if is_volume(columns) else None


def _check_form(settings: Mapping[str, Any], *, aligned: bool) -> None:
    wanted, can = settings.get("form"), ("grid",) if aligned else ("picture", "volume")
    if wanted not in {None, *can}:
        why = "the target lies on the grid of each case" if aligned else "the target is one answer a case"
        raise PlanError(f"'form' cannot be {wanted!r} where {why}; it is one of: {', '.join(can)}")


def _aligned(locators: Sequence[Any]) -> bool:
    """Whether masks lie on the grids of these cases, so that each must keep its own."""
    return any(getattr(locator, "mask_columns", ()) for locator in locators)
