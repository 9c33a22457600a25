"""Images: pictures in two dimensions, of one or several channels, from files whose paths stand in the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from osler.contract import NO_OPTIONS, Modality, Output
from osler.core.columns import Columns, Field
from osler.core.drift import Shift
from osler.core.features import Features
from osler.core.leak import Leak
from osler.core.plan import Brief, Decision, Rung
from osler.core.split import Split
from osler.core.state import State
from osler.core.table import Table
from osler.core.target import Target

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from osler.core.errors import Refusal
    from osler.modalities.images.case import Image, ImageFiles


class Images(Modality):
    """The modality of pictures; each promise lives in the room of its name."""

    name: ClassVar[str] = "images"
    opens = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom")
    form: ClassVar[tuple[str, ...]] = ("width", "depth", "stages", "halvings", "norm")
    shard_cases: ClassVar[int] = 256

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

        return locate(table, columns=columns)

    def reading(self, locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
        """Decide size, channels and integer type from the headers."""
        from osler.modalities.images.read import reading

        return reading(locators, settings=settings)

    def read(self, locator: Any, *, reading: Mapping[str, Any]) -> Image | None:
        """Return one picture in the size, channels and type that were decided; raises Refused."""
        from osler.modalities.images.read import read

        return read(locator, reading=reading)

    def fields(self, *, reading: Mapping[str, Any]) -> tuple[Field, ...]:
        """Return pixels for the network, descriptors for the baseline, hashes for the leak check."""
        from osler.modalities.images.encode import fields

        return fields(reading=reading)

    def encode(self, case: Any, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
        """Return one picture's arrays."""
        from osler.modalities.images.encode import encode

        return encode(case, roles=roles)

    def fingerprint(self, case: Any) -> tuple[int, int]:
        """Return the hash of the pixels."""
        from osler.modalities.images.encode import fingerprint

        return fingerprint(case)

    def shard(self, locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
        """Read one picture after the other, describe them together; what Pillow and pydicom would say stands in the refusals."""
        from osler.modalities.images.encode.shard import shard

        return shard(self, locators, reading=reading, roles=roles)

    def leaks(self, columns: Columns, split: Split, *, target: Target) -> tuple[Leak, ...]:
        """Return near copies, patients on both sides, and scanners and corners that give a class away."""
        from osler.modalities.images.leaks import leaks

        return leaks(columns, split, target=target)

    def facts(
        self, columns: Columns, rows: np.ndarray, *, target: Target | None = None, groups: np.ndarray | None = None
    ) -> Mapping[str, Any]:
        """Return sizes and intensities of the training rows, and what mirroring does to them."""
        from osler.modalities.images.facts import facts

        return facts(columns, rows, target=target)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return augmentation, normalisation and regularisation."""
        from osler.modalities.images.rules import rules

        return rules(brief)

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return the sizes of the network."""
        from osler.modalities.images.rules import ladder

        return ladder(brief)

    def fit(self, columns: Columns, rows: np.ndarray, *, groups: np.ndarray, plan: Mapping[str, Any]) -> State:
        """Learn the scale of intensities and the axes of the baseline's low frequencies."""
        from osler.modalities.images.fit import fit

        return fit(columns, rows, groups=groups)

    def gather(
        self, columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], windows: np.ndarray | None, names: Sequence[str]
    ) -> dict[str, Tensor]:
        """Return pictures in the size that the network sees."""
        from osler.modalities.images.gather import gather

        return gather(columns, rows, plan=plan, names=names)

    def augment(
        self, fields: dict[str, Tensor], *, warps: Mapping[str, str], plan: Mapping[str, Any], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return the batch moved and re-lit, every field by its warp."""
        from osler.modalities.images.augment import augment

        return augment(fields, warps=warps, plan=plan, generator=generator)

    def drift_sums(
        self, columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any], state: State
    ) -> Mapping[str, np.ndarray]:
        """Return sums of brightness, contrast, sharpness, of histograms, and of the likeness to the mean training picture."""
        from osler.modalities.images.drift import drift_sums

        return drift_sums(columns, rows, facts=facts, state=state)

    def drift(self, sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any], state: State) -> tuple[Shift, ...]:
        """Return one shift for each of these."""
        from osler.modalities.images.drift import drift

        return drift(sums, facts=facts, state=state)

    def encoder(self, *, plan: Mapping[str, Any], state: State, output: Output) -> nn.Module:
        """Return the residual network."""
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
        from osler.modalities.images.baseline import baseline_features

        return baseline_features(columns, rows, state=state)

    def picture(
        self, columns: Columns, row: int, *, layers: Mapping[str, np.ndarray] | None = None, state: State | None = None
    ) -> str | None:
        """Return the picture, alone or under attributions."""
        from osler.modalities.images.explain import picture

        return picture(columns, row, layers=layers or {})

    def sketch(self, plan: Mapping[str, Any]) -> str | None:
        """Return a test pattern as training steps may see it."""
        from osler.modalities.images.explain.sketch import sketch

        return sketch(plan)
