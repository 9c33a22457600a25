"""What a kind of target promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from osler.contract.modality import NO_OPTIONS, Output
from osler.core.attribution import Answer
from osler.core.batch import TargetBatch
from osler.core.clue import Outcome
from osler.core.columns import Columns
from osler.core.errors import Refusal
from osler.core.features import BaselineModel, Features
from osler.core.figure import Figure
from osler.core.marks import MarkedCase, Painted
from osler.core.measure import Measure
from osler.core.pace import Pace
from osler.core.plan import Brief, Decision
from osler.core.state import State
from osler.core.target import Target
from osler.core.telling import Telling
from osler.core.update import Update, Updates
from osler.core.view import View

if TYPE_CHECKING:
    from torch import Tensor, nn


class Task:
    """A kind of target."""

    name: ClassVar[str]
    coupled: ClassVar[bool] = False  # the loss is not a sum over cases (Cox)
    crossfits: ClassVar[bool] = True  # members of small studies are cross-fitted
    listed: ClassVar[bool] = (
        False  # of a task on a grid: what is painted stands in the table of predictions, not in a file of each case
    )
    blends: ClassVar[bool] = True  # a weighted mean of network and baseline may predict; else the better of the two does

    def needs(self, info: Mapping[str, Any]) -> Output:
        """Return which output of the encoder the head reads."""
        return "vector"

    def target(
        self,
        columns: Mapping[str, np.ndarray],
        *,
        info: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] = NO_OPTIONS,
    ) -> tuple[Target, dict[int, Refusal]]:
        """Return the target and the rows that have none that can be used.

        `columns` by name, each (n,): float64 with NaN, or object with None. `info` is a trained bundle's: its classes
        hold, and values it does not know are refused. `settings` are what the study sets under `target.`. Raises StudyError where the
        column cannot be this task's target, PlanError for settings that cannot be.
        """
        raise NotImplementedError

    def marked(
        self, columns: Columns, *, names: Sequence[str], settings: Mapping[str, Any], info: Mapping[str, Any] | None = None
    ) -> tuple[Target, dict[int, Refusal]]:
        """Return the target that lies on the grid of the anchor's `columns`, and the rows that have none that can be used.

        `names` are the table's columns that name it, `settings` what the study sets under `target.`; a trained bundle's `info`
        holds instead. Raises StudyError. Default: values in the first target field.
        """
        raise NotImplementedError

    def stratum(self, target: Target) -> np.ndarray:
        """Return (n,) int64: what the split keeps in equal shares."""
        return np.zeros(len(target), np.int64)

    def outcomes(self, target: Target) -> tuple[Outcome, ...]:
        """Return the outcomes that an input could give away, for the leak check. Default: none, and none is looked for."""
        return ()

    def width(self, info: Mapping[str, Any]) -> int:
        """Return k, the number of raw outputs."""
        raise NotImplementedError

    def facts(self, target: Target, rows: np.ndarray) -> Mapping[str, Any]:
        """Return what JSON can hold, measured on `rows`."""
        return {}

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return decisions, with names that start with `target.` or `baseline.`. Pure."""
        return ()

    def head(self, *, info: Mapping[str, Any], width: int, channels: Sequence[int], plan: Mapping[str, Any]) -> nn.Module:
        """Return a module from the fused vector (…, width) to raw outputs (…, k); or from maps, fine to coarse, to raw maps as
        fine as the first, and in training to one for each of some maps where `loss` takes several."""
        raise NotImplementedError

    def loss(self, raw: Tensor, target: TargetBatch, *, plan: Mapping[str, Any]) -> Tensor:
        """Return (B,), one per case; unobserved values count nothing.

        Of a task on a grid, `raw` is (B, k, i, j[, k]); a tuple of several, from fine to coarse, where its head gives them in
        training; or (B, k) of single places, with a target (B, channels).
        """
        raise NotImplementedError

    def baseline(
        self, features: Features, target: Target, *, groups: np.ndarray, plan: Mapping[str, Any], seed: int
    ) -> BaselineModel:
        """Return the classical model tuned by cross-validation over `groups` (m,) inside what it is given (one target row
        per line of features)."""
        raise NotImplementedError

    def pace(self, features: Features, target: Target, *, cases: int, plan: Mapping[str, Any], seed: int) -> Pace | None:
        """Return how long `baseline` takes on `cases` like these, of which some lines are given; None, the default, does not tell."""
        return None

    def restore(self, files: Mapping[str, bytes]) -> BaselineModel:
        """Return the model that `BaselineModel.files` stored; raises BundleError."""
        raise NotImplementedError

    def settle(
        self, raw: np.ndarray, target: Target, rows: np.ndarray, *, plan: Mapping[str, Any], groups: np.ndarray | None = None
    ) -> State:
        """Return calibration, thresholds and conformal quantiles, learned from raw outputs (n, k) of `rows`, which no member was
        trained on. `groups` has one label per line of `target`; without it each line is its own group."""
        return State()

    def polish(self, cases: Iterable[MarkedCase], *, state: State, info: Mapping[str, Any], plan: Mapping[str, Any]) -> State:
        """Return `state` with what is chosen by whole `cases` on a grid, with their truth, that no member was trained on (which
        pieces of a mask to leave out). Default: nothing is."""
        return state

    def paint(self, case: MarkedCase, *, state: State, info: Mapping[str, Any], plan: Mapping[str, Any]) -> Painted:
        """Return the marks, or numbers, of one case on its own grid, its line of statistics (s,), as `statistics` of other tasks, and what the
        table of predictions says of it. Where the case's truth is not known, what needs it is NaN."""
        raise NotImplementedError

    def pooled(
        self, statistics: np.ndarray, groups: np.ndarray | None, *, info: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the statistics (m, s) of what is scored as one, and the first line (m,) of each in `statistics` (n, s): slices of a
        patient, by `groups` (n,). Default: each case is one."""
        return statistics, np.arange(len(statistics))

    def updates(self, raw: np.ndarray, target: Target, *, state: State, plan: Mapping[str, Any]) -> Updates:
        """Return the ways to recalibrate the outputs of `state` on new cases with raw outputs (n, k). Default: none."""
        return Updates((Update("none", 0, 0.0),), 0.0, "this task has no recalibration")

    def updated(
        self, raw: np.ndarray, target: Target, *, state: State, arrays: Mapping[str, np.ndarray], plan: Mapping[str, Any],
        groups: np.ndarray | None = None,
    ) -> State:  # fmt: skip
        """Return `state` with an update's `arrays`, and all that rests on them settled anew on these cases."""
        return state

    def decode(self, raw: np.ndarray, state: State, *, info: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the output columns by name, each (n,), from raw outputs (n, k)."""
        raise NotImplementedError

    def answers(self, state: State, *, info: Mapping[str, Any], plan: Mapping[str, Any]) -> tuple[Answer, ...]:
        """Return what a prediction says, each linear in the raw outputs, with the calibration in `state`. Default: each raw
        output."""
        return tuple(Answer(f"output {i + 1}", "", "", row) for i, row in enumerate(np.eye(self.width(info))))

    def measured(self, info: Mapping[str, Any]) -> tuple[Measure, ...]:
        """Return the measures; the first is the primary one, on which the verdict rests."""
        raise NotImplementedError

    def statistics(self, raw: np.ndarray, target: Target, *, state: State, plan: Mapping[str, Any]) -> np.ndarray:
        """Return (n, s) float64: all that the measures need of each case, computed case by case, so that it can be
        streamed and resampled."""
        raise NotImplementedError

    def measures(self, statistics: np.ndarray, counts: np.ndarray, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return each measure (resamples,) from statistics (n, s) and how often each resample holds each case
        (resamples, n) integers; NaN where a resample has no value (one class only)."""
        raise NotImplementedError

    def support(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Mapping[str, float]:
        """Return by measure how many cases carry it: the denominator of a proportion, the cases of the rarer class where
        classes are compared. Intervals take their form from it. Default: all cases carry every measure."""
        return {}

    def views(self, *, state: State, info: Mapping[str, Any]) -> tuple[View, ...]:
        """Return what else is measured of what the bundle predicts with, by what `settle` learned in `state`."""
        return ()

    def telling(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Telling | None:
        """Return what a list of single cases shows of each (n,); None, the default, makes no list."""
        return None

    def figures(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> tuple[Figure, ...]:
        """Return the figures of the report, aggregates only."""
        return ()
