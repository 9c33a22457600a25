"""Synthesis: new pictures like those of a study, class by class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np

from osler.contract import Batches, Made, Maker, Objective
from osler.contract.maker import BatchOf
from osler.core.columns import Columns
from osler.core.judgement import Judgement
from osler.core.plan import Brief, Decision, Plan, Rung
from osler.core.study import Study
from osler.core.target import Target

if TYPE_CHECKING:
    from torch import nn

    from osler.generation.synthesis.objective import SynthesisObjective


class Synthesis(Maker):
    """The task of making pictures by two networks that play against each other (Goodfellow et al. 2014)."""

    name: ClassVar[str] = "synthesis"
    target: ClassVar[Literal["none", "optional", "needed"]] = "optional"
    encodes: ClassVar[bool] = False
    verb: ClassVar[str] = "generate"

    def unfit(self, study: Study) -> str:
        """One input of images, and at most one target."""
        if len(study.inputs) != 1:
            return f"synthesis makes one input, and the study has {len(study.inputs)}; name one with --input"
        kind = study.inputs[0].modality
        if kind != "images":
            return f"synthesis makes images, not yet {kind}; name a column of pictures with --input"
        if len(study.targets) > 1:
            return f"synthesis makes pictures of the classes of one column, and {len(study.targets)} targets are named; name one"
        return ""

    def check(self, columns: Mapping[str, Columns], target: Target | None, rows: np.ndarray) -> None:
        """Refuse volumes, numbers as a class, and pictures that cannot be learned of."""
        from osler.generation.synthesis.checking import check

        check(columns, target, rows)

    def info(
        self, columns: Mapping[str, Columns], target: Target | None, rows: np.ndarray, *, facts: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return the range of values, the type, the classes and their shares."""
        from osler.generation.synthesis.checking import info

        return info(columns, target, rows)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return how the game is played and judged."""
        from osler.generation.synthesis.rules import rules

        return rules(brief)

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return widths of both players."""
        from osler.generation.synthesis.rules import ladder

        return ladder(brief)

    def built(
        self, encoders: Mapping[str, nn.Module], *, shapes: Mapping[str, tuple[int, ...]], info: Mapping[str, Any], plan: Plan
    ) -> Objective:
        """Return both players."""
        from osler.generation.synthesis.objective import Shape, SynthesisObjective

        (shape,) = shapes.values()
        size = (int(shape[1]), int(shape[2]))
        low, high = map(float, info["range"])
        return SynthesisObjective(Shape(int(shape[0]), size, low, high, len(info["classes"]) + 1), plan=plan)

    def batch_of(self, source: Batches) -> BatchOf:
        """Return pictures as they are: a generator would draw what augmentation of training does to them."""
        return lambda rows, _: source.batch(rows)

    def weights(self, objective: Objective) -> dict[str, np.ndarray]:
        """Return those of the generator: the discriminator has seen cases, and nothing needs it."""
        return {name: value for name, value in super().weights(objective).items() if name.startswith("generator.")}

    def load(self, objective: Objective, weights: Mapping[str, np.ndarray]) -> None:
        """Put the generator's weights in."""
        import torch

        generator = cast("SynthesisObjective", objective).module.generator
        own = {name.removeprefix("generator."): torch.from_numpy(np.array(value)) for name, value in weights.items()}
        generator.load_state_dict(own)

    def judge(self, made: Made) -> Judgement:
        """Return how like real pictures they are, whether some are copies, and whether they help."""
        from osler.generation.synthesis.judging import judged

        return judged(made)
