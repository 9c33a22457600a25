"""Translation: one kind of image made of another, with pairs or without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from osler.contract import Batch, Made, Maker, Modality, Objective
from osler.contract.maker import Batches, BatchOf
from osler.core.columns import Columns
from osler.core.errors import Refusal
from osler.core.judgement import Judgement
from osler.core.plan import Brief, Decision, Plan, Rung
from osler.core.study import Study
from osler.core.target import Target

if TYPE_CHECKING:
    from torch import nn


class Translation(Maker):
    """The task of translating; its parts are the modules of this room."""

    name: ClassVar[str] = "translation"
    target: ClassVar[Literal["none", "optional", "needed"]] = "needed"
    target_is: ClassVar[Literal["label", "input"]] = "input"
    encodes: ClassVar[bool] = False
    cuts: ClassVar[bool] = False
    least: ClassVar[int] = 3
    verb: ClassVar[str] = "translate"

    def unfit(self, study: Study) -> str:
        """One input of images; its columns are channels, as those of the target are."""
        if len(study.inputs) != 1 or study.inputs[0].modality != "images":
            shown = ", ".join(f"{one.name} ({one.modality})" for one in study.inputs)
            return f"translation takes one input of images, whose columns are its channels, and the study has {shown}; write --input source=images:COLUMN"
        return ""

    def settings(self, name: str, *, read: Plan) -> Mapping[str, Any]:
        """Each image keeps its own grid, and both sides are read alike."""
        return {"form": "grid", "own_grid": True}

    def screened(
        self, modalities: Mapping[str, Modality], columns: Mapping[str, Columns], *, settings: Mapping[str, Any]
    ) -> tuple[Mapping[int, Refusal], Mapping[str, Any]]:
        """Return what does not pair, what is constant, and copies; and how the rows are paired."""
        from osler.generation.translation.pairing import pairing, refused

        how, why = pairing(modalities, columns, settings=settings)
        return refused(modalities, columns, how=how), {"pairing": how, "why": why}

    def check(self, columns: Mapping[str, Columns], target: Target | None, rows: np.ndarray) -> None:
        """Raise StudyError for too few images of a side."""
        from osler.generation.translation.pairing import check

        check(columns, rows)

    def info(
        self, columns: Mapping[str, Columns], target: Target | None, rows: np.ndarray, *, facts: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return of both sides the channels and the ends of intensities."""
        from osler.generation.translation.measuring import measured

        return measured(columns, rows)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return the decisions."""
        from osler.generation.translation.rules import rules

        return rules(brief)

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return the sizes."""
        from osler.generation.translation.rules import ladder

        return ladder(brief)

    def built(
        self, encoders: Mapping[str, nn.Module], *, shapes: Mapping[str, tuple[int, ...]], info: Mapping[str, Any], plan: Plan
    ) -> Objective:
        """Return what is trained."""
        from osler.generation.translation.paired import Paired
        from osler.generation.translation.unpaired import Unpaired

        own, outputs = int(info["source"]["channels"]), int(info["target"]["channels"])
        channels = (own * (2 * int(plan["translation.neighbours"]) + 1), own, outputs)
        kind = Paired if plan["translation.pairing"] == "paired" else Unpaired
        return kind(channels=channels, plan=plan)

    def batches_of(self, source: Batches, *, info: Mapping[str, Any]) -> BatchOf:
        """Return how slices are cut."""
        from osler.generation.translation.pieces import Pieces

        pieces = Pieces.of(source, info)
        cut = pieces.paired if source.plan["translation.pairing"] == "paired" else pieces.unpaired
        return lambda rows, seed: cut(rows, seed=seed)

    def tuned(self, source: Batches, rows: np.ndarray, *, info: Mapping[str, Any], size: int) -> Iterator[Batch]:
        """Yield slices of `rows`, always the same, neither mirrored nor lit."""
        from osler.generation.translation.pieces import Pieces

        return Pieces.of(source, info).still(rows)

    def judge(self, made: Made) -> Judgement:
        """Return how like translated images are to real ones."""
        from osler.generation.translation.judging import judged

        return judged(made)

    def weights(self, objective: Objective) -> dict[str, np.ndarray]:
        """Return the translators; critics are of no use after training."""
        return {name: value for name, value in super().weights(objective).items() if "critic" not in name.split(".")[0]}

    def load(self, objective: Objective, weights: Mapping[str, np.ndarray]) -> None:
        """Put the translators' weights in."""
        import torch

        objective.module.load_state_dict({n: torch.from_numpy(np.array(v)) for n, v in weights.items()}, strict=False)
