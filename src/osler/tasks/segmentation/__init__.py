"""The task of marking what is where: masks on the grid of an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from osler.core.view import View
from osler.tasks.segmentation import decisions, lines, measures, paint, target
from osler.tasks.segmentation.lookup import exclusive
from osler.tasks.settings import chosen_rows, setting

if TYPE_CHECKING:
    from torch import Tensor, nn


class Segmentation(Task):
    """Labels of places, one at most at each (k + 1 raw outputs, the background first), or regions that may overlap (k logits).

    `Target.values` (n, labels) holds how many places of a case have each label; the masks themselves lie in the anchor's columns.
    """

    name: ClassVar[str] = "segmentation"
    blends: ClassVar[bool] = False

    def needs(self, info: Mapping[str, Any]) -> Output:
        """Return "map"."""
        return "map"

    def marked(
        self, columns: Columns, *, names: Sequence[str], settings: Mapping[str, Any], info: Mapping[str, Any] | None = None
    ) -> tuple[Target, dict[int, Refusal]]:
        """Return the target; info is {"kind": "exclusive" or "overlapping", "field", "names", "values": of each label, "channels",
        "channel": of each label, "axes", "known": values of each channel that may occur, none for any}.

        `settings` may hold "labels" (name to value or values) and "regions" (name to values or labels; these overlap). Several mask
        columns are regions each. Masks that are missing, wholly unmarked, or hold a value that is no label are refused.
        """
        return target.read(columns, names=names, settings=settings, info=info)

    def stratum(self, target: Target) -> np.ndarray:
        """Return which labels a case holds, rare sets by the rarest of them."""
        return decisions.strata(target)

    def width(self, info: Mapping[str, Any]) -> int:
        """Return the number of labels, of exclusive ones and the background."""
        return len(info["names"]) + int(exclusive(info))

    def facts(self, target: Target, rows: np.ndarray) -> Mapping[str, Any]:
        """Return the cases that hold each label and how many places it takes."""
        return decisions.facts(target, rows)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return what masks mean, how the network is supervised and how marks are finished."""
        return decisions.rules(brief)

    def head(self, *, info: Mapping[str, Any], width: int, channels: Sequence[int], plan: Mapping[str, Any]) -> nn.Module:
        """Return a convolution of size one; in training the finest `target.supervised` maps have one each."""
        from osler.tasks.segmentation.head import MapHead

        some = max(1, int(setting(plan, "target.supervised", default=1)))
        return MapHead(channels[:some], self.width(info), axes=int(info["axes"]))

    def loss(self, raw: Tensor | tuple[Tensor, ...], target: TargetBatch, *, plan: Mapping[str, Any]) -> Tensor:
        """Return (B,) soft Dice and cross-entropy of raw maps, of lines (B, k) cross-entropy alone."""
        from osler.tasks.segmentation.loss import loss

        return loss(raw, target, marks=plan["target.marks"], together=setting(plan, "target.pool", default="case") == "batch")

    def baseline(
        self, features: Features, target: Target, *, groups: np.ndarray, plan: Mapping[str, Any], seed: int
    ) -> BaselineModel:
        """Return boosted trees on the features of single places."""
        from osler.tasks.segmentation.voxels import fitted

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
        """Return `slope`, the temperature of the raw outputs, with a sentence on how it was found."""
        from osler.tasks.segmentation.calibrate import settled

        return settled(*chosen_rows(raw, target, rows), plan=plan)

    def polish(self, cases: Iterable[MarkedCase], *, state: State, info: Mapping[str, Any], plan: Mapping[str, Any]) -> State:
        """Return `state` with the tolerance of surface distances, and which pieces of masks are left out and why."""
        from osler.tasks.segmentation.polish import polished

        return polished(cases, state=state, info=info, plan=plan)

    def paint(self, case: MarkedCase, *, state: State, info: Mapping[str, Any], plan: Mapping[str, Any]) -> Painted:
        """Return the marks, the line that `lines` lays out, and `volume_<label>` in ml (of pictures `area_<label>` in mm²),
        `quality_<label>`, the Dice that is expected of what is marked, and their mean, `quality`."""
        return paint.painted(case, state=state, info=info, plan=plan)

    def pooled(
        self, statistics: np.ndarray, groups: np.ndarray | None, *, info: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the slices of each group together; volumes stand for themselves."""
        return lines.pooled(statistics, groups, info=info)

    def measured(self, info: Mapping[str, Any]) -> tuple[Measure, ...]:
        """Return the measures; the mean Dice is the primary one."""
        return measures.measured(info)

    def measures(self, statistics: np.ndarray, counts: np.ndarray, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return each measure of each resample."""
        return measures.measures(statistics, counts, info=info)

    def support(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Mapping[str, float]:
        """Return by measure how many cases carry it."""
        return measures.support(statistics, info=info)

    def views(self, *, state: State, info: Mapping[str, Any]) -> tuple[View, ...]:
        """Return what was chosen for the pieces of each label's masks, beside what they are worth."""
        from osler.tasks.segmentation.views import views

        return views(state, info)

    def telling(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Telling:
        """Return the volumes of each case and how far its marks and the truth agree."""
        from osler.tasks.segmentation.telling import of_masks

        return of_masks(statistics, info=info)

    def figures(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> tuple[Figure, ...]:
        """Return how Dice is spread over cases, calibration, expected and actual Dice, and volumes."""
        from osler.tasks.segmentation.figures import figures

        return figures(statistics, info=info)
