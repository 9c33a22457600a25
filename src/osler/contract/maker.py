"""What a task promises that makes something, or represents it, instead of predicting a target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np

from osler.contract.modality import Modality, Output
from osler.contract.objective import Objective
from osler.core.batch import Batch
from osler.core.columns import Columns
from osler.core.errors import Refusal
from osler.core.judgement import Judgement
from osler.core.plan import Brief, Decision, Plan, Rung
from osler.core.split import Split
from osler.core.state import State
from osler.core.study import Input, Study
from osler.core.target import Target
from osler.core.watch import SILENT, Watch

if TYPE_CHECKING:
    from torch import nn

LEAST = 20  # cases below which nothing is made of them
BatchOf = Callable[[np.ndarray, int], Batch]


class Batches(Protocol):
    """All inputs of a study, ready to be cut into batches: what `spine.fit.Source` is."""

    @property
    def modalities(self) -> Mapping[str, Modality]:
        """The modalities by input."""
        ...

    @property
    def columns(self) -> Mapping[str, Columns]:
        """The columns by input."""
        ...

    @property
    def plan(self) -> Plan:
        """The plan."""
        ...

    @property
    def target(self) -> Target | None:
        """The label, if there is one."""
        ...

    @property
    def device(self) -> str:
        """Where batches are put."""
        ...

    def batch(self, rows: np.ndarray, *, seed: int | None = None) -> Batch:
        """Return the cases `rows`, augmented where a `seed` is given."""
        ...

    def batches(self, rows: np.ndarray, *, size: int) -> Iterator[Batch]:
        """Yield the cases `rows` in order, whole and unaugmented."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """A finished training, to be judged.

    `target` is the label of all cases, None without one; `groups` (n,) int64, `grouped` whether a column named them. Choices rest on
    `split.tune`, judgements on `split.test`; nothing else of a case was kept from training. `info` is what `Maker.info` gave,
    `states` what was fitted by input, `seconds` what is left of the budget, `folder` where a further training may keep its checkpoint; `trouble` is a word on what
    ended the training early, "" where nothing did.
    """

    objective: Objective
    source: Batches
    split: Split
    target: Target | None
    groups: np.ndarray
    grouped: bool
    plan: Plan
    facts: Mapping[str, Mapping[str, Any]]
    info: Mapping[str, Any]
    states: Mapping[str, State]
    study: Study
    folder: Path
    seconds: float
    watch: Watch = SILENT
    trouble: str = ""

    @property
    def seed(self) -> int:
        """The seed of the study."""
        return self.study.seed


class Maker:
    """A task that is trained without predicting: synthesis, translation, representation.

    Its decisions begin with its name. `target` says whether a target column is "none", "optional" or "needed"; as a "label" it is read as classes
    or numbers, and cases without it stay; as an "input" it is read as one more input, called "wanted", of the first one's modality.
    `encodes` says whether the inputs' encoders are part of what is trained: their decisions and sizes are then in the plan. `cuts` says whether
    the modality cuts the batches; of a maker that cuts its own, the modality decides nothing but how to read.
    """

    name: ClassVar[str]
    target: ClassVar[Literal["none", "optional", "needed"]] = "none"
    target_is: ClassVar[Literal["label", "input"]] = "label"
    encodes: ClassVar[bool] = True
    cuts: ClassVar[bool] = True
    output: ClassVar[Output] = "vector"
    least: ClassVar[int] = LEAST
    verb: ClassVar[str]  # the command that uses its bundles

    def unfit(self, study: Study) -> str:
        """Return why the study's inputs cannot be taken, "" where they can."""
        return ""

    def inputs(self, study: Study) -> tuple[Input, ...]:
        """Return what is read. Default: the study's inputs, and a target that is an input."""
        if self.target_is != "input" or not study.targets:
            return study.inputs
        first = study.inputs[0]
        return (*study.inputs, Input("wanted", first.modality, study.targets, first.options))

    def settings(self, name: str, *, read: Plan) -> Mapping[str, Any]:
        """Return settings for reading input `name`, given the reading decisions `read` of the inputs before it
        (`inputs.<name>.<decision>`): of an equal size. The user's own win. Default: none."""
        return {}

    def screened(
        self, modalities: Mapping[str, Modality], columns: Mapping[str, Columns], *, settings: Mapping[str, Any]
    ) -> tuple[Mapping[int, Refusal], Mapping[str, Any]]:
        """Return why rows cannot be used that each input by itself can, and what JSON can hold that was seen of all inputs together: it is
        joined into `info`. Default: nothing."""
        return {}, {}

    def divided(self, split: Split, *, target: Target | None, settings: Mapping[str, Any]) -> Split:
        """Return the split with cases left out of training that must not be seen there. Default: as it is."""
        return split

    def check(self, columns: Mapping[str, Columns], target: Target | None, rows: np.ndarray) -> None:
        """Raise StudyError where nothing can be made of the training `rows`: constant images. Default: all is well."""

    def info(
        self, columns: Mapping[str, Columns], target: Target | None, rows: np.ndarray, *, facts: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what JSON can hold that `built` and later use need, aggregates of the training `rows`. It is in the bundle."""
        return {}

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return the decisions: its own, and those of training (`fit.`) and inputs (`inputs.<name>.`) that it decides otherwise. Pure.

        `brief.facts` are by input, `brief.target` of the label with `info`, `brief.settings` all that the user set.
        """
        return ()

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return its sizes, climbed together with those of encoders, from small to large. Pure."""
        return ()

    def built(
        self, encoders: Mapping[str, nn.Module], *, shapes: Mapping[str, tuple[int, ...]], info: Mapping[str, Any], plan: Plan
    ) -> Objective:
        """Return what is trained, with first weights drawn from torch's generator, which is seeded.

        `shapes` are by input those of one case as its encoder lifts it, or without encoders of its first field. The same call makes the
        objective of a bundle, whose weights are then put in: nothing may depend on data.
        """
        raise NotImplementedError

    def batch_of(self, source: Batches) -> BatchOf:
        """Return how a training batch is cut. Default: augmented as the modality does."""
        return lambda rows, seed: source.batch(rows, seed=seed)

    def batches_of(self, source: Batches, *, info: Mapping[str, Any]) -> BatchOf:
        """Return how a training batch is cut where that needs `info`. Default: as `batch_of` does."""
        return self.batch_of(source)

    def tuned(self, source: Batches, rows: np.ndarray, *, info: Mapping[str, Any], size: int) -> Iterator[Batch]:
        """Yield the cases `rows` as the objective is scored by them, the same each time. Default: whole and unaugmented."""
        return source.batches(rows, size=size)

    def judge(self, made: Made) -> Judgement:
        """Return how good it is, on cases that training never saw, beside baselines."""
        raise NotImplementedError

    def weights(self, objective: Objective) -> dict[str, np.ndarray]:
        """Return the weights that the bundle keeps. Default: all."""
        return {name: value.detach().cpu().numpy() for name, value in objective.module.state_dict().items()}

    def load(self, objective: Objective, weights: Mapping[str, np.ndarray]) -> None:
        """Put a bundle's weights into what `built` gave. Default: all of them."""
        import torch

        objective.module.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})

    def encoders(self, objective: Objective) -> Mapping[str, str]:
        """Return by input the beginning of the names that its encoder's weights have in `weights`: what a predictor may start from.
        Default: none."""
        return {}
