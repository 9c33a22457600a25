"""Representation: a vector for each case, learned without labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np

from osler.contract import Made, Maker, Objective
from osler.core.columns import Columns
from osler.core.judgement import Judgement
from osler.core.plan import Brief, Decision, Plan
from osler.core.split import Split
from osler.core.study import Study
from osler.core.target import Target

if TYPE_CHECKING:
    from torch import nn

KINDS = ("images", "tables", "sequences")


class Representation(Maker):
    """The task of representing; its ways are the modules of this room."""

    name: ClassVar[str] = "representation"
    target: ClassVar[Literal["none", "optional", "needed"]] = "optional"
    verb: ClassVar[str] = "embed"

    def unfit(self, study: Study) -> str:
        """One input, of a kind whose lifted cases have one shape."""
        if len(study.inputs) != 1:
            return f"a representation is learned of one input, and the study has {len(study.inputs)}; name one with --input"
        kind = study.inputs[0].modality
        if kind not in KINDS:
            return (
                f"a representation is learned of {', '.join(KINDS[:-1])} and {KINDS[-1]}, not yet of {kind}; name another input"
            )
        return ""

    def check(self, columns: Mapping[str, Columns], target: Target | None, rows: np.ndarray) -> None:
        """Cases that differ, and hold something."""
        from osler.generation.variety import check_variety

        for name, part in columns.items():
            check_variety(part, rows, name=name)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return the method and what it needs."""
        from osler.generation.representation.rules import rules

        return rules(brief, name=next(iter(brief.facts)))

    def divided(self, split: Split, *, target: Target | None, settings: Mapping[str, Any]) -> Split:
        """Leave the held-out class out of training."""
        from osler.generation.representation.holdout import left_out

        return left_out(split, target=target, settings=settings)

    def built(
        self, encoders: Mapping[str, nn.Module], *, shapes: Mapping[str, tuple[int, ...]], info: Mapping[str, Any], plan: Plan
    ) -> Objective:
        """Return the encoder with what is trained beside it."""
        from osler.generation.representation.contrastive import Contrastive, projection
        from osler.generation.representation.decoders import decoder
        from osler.generation.representation.denoising import Denoising
        from osler.generation.representation.variational import Cloud, Variational

        name, encoder = next(iter(encoders.items()))
        width, shape = int(cast("Any", encoder).width), shapes[name]
        method = plan["representation.method"]
        if method == "contrastive":
            return Contrastive(name=name, encoder=encoder, beside=projection(width, plan=plan), plan=plan)
        if method == "variational":
            return Variational(name=name, encoder=encoder, beside=Cloud(width, shape, plan=plan), plan=plan)
        beside = decoder(width, shape, channels=int(plan["representation.channels"]))
        return Denoising(name=name, encoder=encoder, beside=beside, plan=plan)

    def encoders(self, objective: Objective) -> Mapping[str, str]:
        """Return where the encoder's weights are."""
        return {objective.name: "encoder."}  # type: ignore[attr-defined]

    def judge(self, made: Made) -> Judgement:
        """Return how good the vectors are."""
        from osler.generation.representation.judging import judged

        return judged(made)
