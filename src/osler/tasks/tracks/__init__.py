"""The task of telling something of every letter of a sequence: a label that it has or not, or a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from osler.contract import BaselineModel, TargetBatch, Task
from osler.contract.modality import Output
from osler.core.columns import Columns
from osler.core.errors import Refusal
from osler.core.features import Features
from osler.core.figure import Figure
from osler.core.marks import MarkedCase, Painted
from osler.core.measure import Measure
from osler.core.plan import Brief, Decision
from osler.core.state import State
from osler.core.target import Target
from osler.core.telling import Telling
from osler.tasks.settings import chosen_rows
from osler.tasks.tracks import decisions, measures, target

if TYPE_CHECKING:
    from torch import Tensor, nn


class Tracks(Task):
    """Labels of letters (a logit for each), or numbers (standardised: (value - target.mean) / target.scale, of log(1 + value) where
    `target.transform` says so).

    `Target.values` (n, 9) holds sums over a case's known letters; the values themselves lie in the anchor's columns.
    """

    name: ClassVar[str] = "tracks"
    listed: ClassVar[bool] = True

    def needs(self, info: Mapping[str, Any]) -> Output:
        """Return "map"."""
        return "map"

    def marked(
        self, columns: Columns, *, names: Sequence[str], settings: Mapping[str, Any], info: Mapping[str, Any] | None = None
    ) -> tuple[Target, dict[int, Refusal]]:
        """Return the target; info is {"kind": "labels" or "numbers", "names", "field"}. `settings` may hold the "kind".

        Sequences of which no letter has a value are refused, and where labels are meant those with another value than 0 and 1.
        """
        return target.read(columns, names=names, settings=settings, info=info)

    def stratum(self, target: Target) -> np.ndarray:
        """Return the tenth in which the mean of a case's letters lies."""
        return decisions.strata(target)

    def width(self, info: Mapping[str, Any]) -> int:
        """Return 1."""
        return 1

    def facts(self, target: Target, rows: np.ndarray) -> Mapping[str, Any]:
        """Return how many letters are known, and how their values are spread."""
        return decisions.facts(target, rows)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return what the values are and the scale on which members answer."""
        return decisions.rules(brief)

    def head(self, *, info: Mapping[str, Any], width: int, channels: Sequence[int], plan: Mapping[str, Any]) -> nn.Module:
        """Return a convolution of size one whose first answer is the mean of the training letters."""
        from scipy.special import logit

        from osler.tasks.tracks.head import TrackHead

        return TrackHead(channels[0], bias=float(logit(plan["target.share"])) if plan["target.kind"] == "labels" else 0.0)

    def loss(self, raw: Tensor, target: TargetBatch, *, plan: Mapping[str, Any]) -> Tensor:
        """Return (B,) the cross-entropy or the squared error, a mean over a case's known letters."""
        from osler.tasks.tracks.loss import loss

        return loss(raw, target, plan=plan)

    def baseline(
        self, features: Features, target: Target, *, groups: np.ndarray, plan: Mapping[str, Any], seed: int
    ) -> BaselineModel:
        """Return boosted trees on what stands about single letters."""
        from osler.tasks.tracks.baseline import fitted

        model: BaselineModel = fitted(features, target, groups=groups, plan=plan, seed=seed)
        return model

    def restore(self, files: Mapping[str, bytes]) -> BaselineModel:
        """Return the stored model."""
        from osler.tasks.baselines import load_baseline

        model: BaselineModel = load_baseline(files)
        return model

    def settle(
        self, raw: np.ndarray, target: Target, rows: np.ndarray, *, plan: Mapping[str, Any], groups: np.ndarray | None = None
    ) -> State:
        """Return the calibration of raw outputs at single letters, with a sentence on how it was found."""
        from osler.tasks.tracks.settle import settled

        return settled(*chosen_rows(raw, target, rows), plan=plan)

    def paint(self, case: MarkedCase, *, state: State, info: Mapping[str, Any], plan: Mapping[str, Any]) -> Painted:
        """Return a number for each letter, the line that `lines` lays out, and in the table `predicted_<target>`, the numbers as a list, with their
        mean, the highest and the letter, from 1, that has it."""
        from osler.tasks.tracks.paint import painted

        return painted(case, state=state, info=info, plan=plan)

    def measured(self, info: Mapping[str, Any]) -> tuple[Measure, ...]:
        """Return the measures; AUROC over all letters, of numbers Pearson's correlation, is the primary one."""
        return measures.measured(info)

    def measures(self, statistics: np.ndarray, counts: np.ndarray, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return each measure of each resample of cases."""
        return measures.measures(statistics, counts, info=info)

    def support(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Mapping[str, float]:
        """Return by measure how many cases carry it."""
        return measures.support(statistics, info=info)

    def telling(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Telling:
        """Return how many letters of each case have the label, or their mean, and how far the prediction agrees."""
        from osler.tasks.tracks.telling import of_tracks

        return of_tracks(statistics, info=info)

    def figures(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> tuple[Figure, ...]:
        """Return curves and calibration over letters, and how single cases are spread."""
        from osler.tasks.tracks.figures import figures

        return figures(statistics, info=info)
