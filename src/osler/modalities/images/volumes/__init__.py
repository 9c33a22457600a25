"""Volumes brought to one size, for targets that need a vector: classification, regression, several labels.

The same rooms as its parent's, one file each: `decide` and `read` (files to cases), `encode` and `descriptors`, `facts`, `rules`,
`view` and `sizes`, `fit`, `network`, `look` and `write` (explanations), `leaks`. Batches, augmentation, drift and the baseline's
matrix are those of pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from osler.contract import Modality, Output
from osler.core.columns import Columns, Field
from osler.core.leak import Leak
from osler.core.plan import Brief, Decision, Rung
from osler.core.split import Split
from osler.core.state import State
from osler.core.target import Target
from osler.modalities.images.case import PIXELS

if TYPE_CHECKING:
    from torch import nn

    from osler.modalities.images.volumes.case import VolumeImage


class Volumes(Modality):
    """The form of images that brings volumes to one size; `Images` asks it where a study has this form."""

    name: ClassVar[str] = "images"
    outputs: ClassVar[frozenset[Output]] = frozenset({"vector"})
    form: ClassVar[tuple[str, ...]] = ("view", "axis", "pool")

    def reading(self, locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
        """Decide size, spacing, channels and type from headers; nothing where the files are pictures, unless `settings` say "volume"."""
        from osler.modalities.images.volumes.decide import are_volumes, reading, sampled

        sample = sampled(locators, series=settings.get("series"))
        wanted = settings.get("form") == "volume" or are_volumes(sample)
        return reading(sample, settings=settings) if wanted else ()

    def read(self, locator: Any, *, reading: Mapping[str, Any]) -> VolumeImage | None:
        """Return one volume in the size, channels and type that were decided; raises Refused."""
        from osler.modalities.images.volumes.read import read

        return read(locator, reading=reading)

    def fields(self, *, reading: Mapping[str, Any]) -> tuple[Field, ...]:
        """Return pixels for the network, descriptors for the baseline, hashes for the leak check, and how the case's file lies."""
        from osler.modalities.images.volumes.encode import fields

        return fields(reading=reading)

    def encode(self, case: Any, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
        """Return one volume's arrays."""
        from osler.modalities.images.volumes.encode import encode

        return encode(case, roles=roles)

    def fingerprint(self, case: Any) -> tuple[int, int]:
        """Return the hash of the pixels."""
        from osler.modalities.images.encode import fingerprint

        return fingerprint(case)

    def shard(self, locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
        """Read and encode one volume after the other; what readers would say stands in the refusals."""
        from osler.modalities.images.read import quiet

        with quiet():
            return super().shard(locators, reading=reading, roles=roles)

    def leaks(self, columns: Columns, split: Split, *, target: Target) -> tuple[Leak, ...]:
        """Return near copies, patients on both sides, and scanners that give a class away."""
        from osler.modalities.images.volumes.leaks import leaks

        return leaks(columns, split, target=target)

    def facts(
        self, columns: Columns, rows: np.ndarray, *, target: Target | None = None, groups: np.ndarray | None = None
    ) -> Mapping[str, Any]:
        """Return size, spacing and intensities, and what mirroring left and right does."""
        from osler.modalities.images.volumes.facts import facts

        return facts(columns, rows, target=target)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return the view, augmentation, normalisation and training."""
        from osler.modalities.images.volumes.rules import rules

        return rules(brief)

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return the sizes of the network."""
        from osler.modalities.images.volumes.rules import ladder

        return ladder(brief)

    def fit(self, columns: Columns, rows: np.ndarray, *, groups: np.ndarray, plan: Mapping[str, Any]) -> State:
        """Learn the scale of intensities and the axes of the baseline's low frequencies."""
        from osler.modalities.images.volumes.fit import fit

        return fit(columns, rows, groups=groups)

    def encoder(self, *, plan: Mapping[str, Any], state: State, output: Output) -> nn.Module:
        """Return the residual network, in slices or in three axes."""
        from osler.modalities.images.volumes.network import VolumeEncoder

        return VolumeEncoder(plan=plan, state=state)

    def picture(
        self, columns: Columns, row: int, *, layers: Mapping[str, np.ndarray] | None = None, state: State | None = None
    ) -> str | None:
        """Return three slices of the volume, alone or under attributions."""
        from osler.modalities.images.volumes.look import picture

        return picture(columns, row, layers=layers or {})

    def write_attribution(self, attribution: np.ndarray, columns: Columns, row: int, *, folder: Path, name: str) -> Path | None:
        """Write a NIfTI file in the geometry of the case's file."""
        from osler.modalities.images.volumes.write import write_attribution

        return write_attribution(attribution, columns, row, folder=folder, name=name)

    def sketch(self, plan: Mapping[str, Any]) -> str | None:
        """Return a test pattern as axial slices may be moved and re-lit in training."""
        from osler.modalities.images.explain.sketch import sketch

        return sketch({**plan, "aspect": list(plan["aspect"])[:2]})


def is_volume(columns: Columns) -> bool:
    """Return whether columns hold volumes of one size."""
    return any(field.name == PIXELS and len(field.shape) == 4 for field in columns.fields)
