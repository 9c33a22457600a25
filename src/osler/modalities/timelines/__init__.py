"""Timelines: what happened to a patient, and when; codes with times and values, as many as there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from osler.contract import NO_OPTIONS, Modality, Output
from osler.core.attribution import Feature
from osler.core.clue import Clues
from osler.core.columns import Columns, Field
from osler.core.drift import Shift
from osler.core.features import Features
from osler.core.plan import Brief, Decision, Rung
from osler.core.question import SUBJECT, Cohort, Purpose, Question
from osler.core.state import State
from osler.core.table import Table
from osler.core.target import Target

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from osler.modalities.timelines.case import CaseRows, Timeline


class Timelines(Modality):
    """The modality of events over time; each promise lives in the room of its name."""

    name: ClassVar[str] = "timelines"
    form: ClassVar[tuple[str, ...]] = (
        "architecture", "width", "depth", "members", "summaries", "sequence_width", "sequence_depth", "vocabulary",
    )  # fmt: skip
    small: ClassVar[int] = 10_000
    shard_cases: ClassVar[int] = 1 << 12  # a stay of intensive care has 8,000 events of 16 bytes: 0.5 GB
    asked: ClassVar[tuple[str, ...]] = ("source", "after", "window")

    def locate(
        self, table: Table, *, columns: Sequence[str], aligned: Sequence[str] = (), options: Mapping[str, Any] = NO_OPTIONS,
        cache: Path | None = None,
    ) -> CaseRows:  # fmt: skip
        """Return the rows lazily: whose events, until when."""
        from osler.modalities.timelines.read import locate

        return locate(table, columns=columns, options=options, cache=cache)

    def public(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the options without absolute paths and addresses of databases."""
        from osler.modalities.timelines.read import public

        return public(options)

    def added(
        self, table: Table, *, columns: Sequence[str], options: Mapping[str, Any], cache: Path | None = None
    ) -> Mapping[str, Sequence[Any]]:
        """Return the official split of the subjects, where the source tells one and the table does not."""
        from osler.modalities.timelines.read import added

        return added(table, columns=columns, options=options, cache=cache)

    def cohort(
        self, question: Question, *, folder: Path, options: Mapping[str, Any], cache: Path, purpose: Purpose = "train"
    ) -> Cohort | None:
        """Return the cases that a question makes of the events of a source."""
        from osler.modalities.timelines.cohort import cohort
        from osler.modalities.timelines.read import prepared

        return cohort(prepared(options, folder=folder, cache=cache, key=SUBJECT), question, purpose=purpose, cache=cache)

    def digest(self, locators: Sequence[Any], *, file_digest: Callable[[Path], str]) -> str:
        """Return a hash of the rows' keys and moments and of the prepared events."""
        from osler.modalities.timelines.read import digest

        return digest(locators)

    def reading(self, locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
        """Decide window, units and the limits of what can be."""
        from osler.modalities.timelines.read import reading

        return reading(locators, settings=settings)

    def read(self, locator: Any, *, reading: Mapping[str, Any]) -> Timeline | None:
        """Return one case, None where nothing is known of it."""
        from osler.modalities.timelines.read import read

        return read(locator, reading=reading)

    def fields(self, *, reading: Mapping[str, Any]) -> tuple[Field, ...]:
        """Return `times`, `codes` and `values`."""
        from osler.modalities.timelines.encode import fields

        return fields()

    def encode(self, case: Any, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
        """Return one case's arrays."""
        from osler.modalities.timelines.encode import encode

        return encode(case, roles=roles)

    def fingerprint(self, case: Any) -> tuple[int, int]:
        """Return the hash of one case's content."""
        from osler.modalities.timelines.encode import fingerprint

        return fingerprint(case)

    def shard(self, locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
        """Return many cases at once, event by event in arrays."""
        from osler.modalities.timelines.encode import shard

        return shard(locators, reading=reading, roles=roles)

    def clues(self, columns: Columns, rows: np.ndarray) -> Iterator[Clues]:
        """Yield each code: its last value, or whether it occurred."""
        from osler.modalities.timelines.leaks import clues

        return clues(columns, rows)

    def facts(
        self, columns: Columns, rows: np.ndarray, *, target: Target | None = None, groups: np.ndarray | None = None
    ) -> Mapping[str, Any]:
        """Return what was measured of the training rows' events."""
        from osler.modalities.timelines.facts import facts

        return facts(columns, rows, groups=groups)

    def parameters(self, facts: Mapping[str, Any]) -> int | None:
        """Return one for each code that one in twenty cases has, and one for how many events there are."""
        from osler.modalities.timelines.facts import parameters

        return parameters(facts)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return architecture, embedding, regularisation."""
        from osler.modalities.timelines.rules import rules

        return rules(brief)

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return the sizes of the network."""
        from osler.modalities.timelines.rules import ladder

        return ladder(brief)

    def fit(self, columns: Columns, rows: np.ndarray, *, groups: np.ndarray, plan: Mapping[str, Any]) -> State:
        """Learn the vocabulary and the scale of each code's values."""
        from osler.modalities.timelines.fit import fit

        return fit(columns, rows, groups=groups, plan=plan)

    def gather(
        self, columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], windows: np.ndarray | None, names: Sequence[str]
    ) -> dict[str, Tensor]:
        """Return the events of a batch, those of a case behind one another."""
        from osler.modalities.timelines.gather import gather

        return gather(columns, rows, plan=plan, names=names)

    def augment(
        self, fields: dict[str, Tensor], *, warps: Mapping[str, str], plan: Mapping[str, Any], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return the batch with some events dropped."""
        from osler.modalities.timelines.augment import augment

        return augment(fields, plan=plan, generator=generator)

    def encoder(self, *, plan: Mapping[str, Any], state: State, output: Output) -> nn.Module:
        """Return the network over events."""
        from osler.modalities.timelines.network import TimelineEncoder

        return TimelineEncoder(plan=plan, state=state)

    def drift_sums(
        self, columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any], state: State
    ) -> Mapping[str, np.ndarray]:
        """Return counts and sums of every code."""
        from osler.modalities.timelines.drift import drift_sums

        return drift_sums(columns, rows, facts=facts, state=state)

    def drift(self, sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any], state: State) -> tuple[Shift, ...]:
        """Return one shift per code."""
        from osler.modalities.timelines.drift import drift

        return drift(sums, facts=facts, state=state)

    def baseline_features(
        self,
        columns: Columns,
        rows: np.ndarray,
        *,
        state: State,
        at: Literal["case", "grid"] = "case",
        generator: np.random.Generator | None = None,
    ) -> Features:
        """Return summaries of each code over time."""
        from osler.modalities.timelines.baseline import baseline_features

        return baseline_features(columns, rows, state=state)

    def features(self, columns: Columns, *, state: State) -> tuple[Feature, ...]:
        """Return one feature per code of the vocabulary, and one for all others."""
        from osler.modalities.timelines.explain import features

        return features(state)

    def changed(self, columns: Columns, *, feature: int, values: np.ndarray, state: State) -> Columns:
        """Return the columns in which each case has another case's events of one code."""
        from osler.modalities.timelines.explain import changed

        return changed(columns, feature=feature, values=values, state=state)

    def explain(
        self, attribution: np.ndarray, columns: Columns, row: int, *, state: State, facts: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return each code's attribution with its last value."""
        from osler.modalities.timelines.explain import explain

        return explain(attribution, columns, row, state=state, facts=facts)

    def picture(
        self, columns: Columns, row: int, *, layers: Mapping[str, np.ndarray] | None = None, state: State | None = None
    ) -> str | None:
        """Return the patient's timeline, alone or with what speaks for the prediction."""
        from osler.modalities.timelines.explain import picture

        return picture(columns, row, layers=layers or {}, state=state)
