"""Tables: columns of numbers, categories, dates and booleans, with missing values as information."""

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
from osler.core.state import State
from osler.core.table import Table
from osler.core.target import Target

if TYPE_CHECKING:
    from torch import nn

    from osler.modalities.tables.case import TableRow, TableRows


class Tables(Modality):
    """The modality of dense tables; each promise lives in the room of its name."""

    name: ClassVar[str] = "tables"
    form: ClassVar[tuple[str, ...]] = (
        "architecture", "width", "depth", "members", "embedding", "embedding_width", "bins", "category_width",
    )  # fmt: skip
    small: ClassVar[int] = 10_000
    shard_cases: ClassVar[int] = 1 << 17

    def recognises(self, cells: Sequence[str]) -> float:
        """Any column can be a table's; more special modalities go first."""
        return 0.1

    def locate(
        self, table: Table, *, columns: Sequence[str], aligned: Sequence[str] = (), options: Mapping[str, Any] = NO_OPTIONS,
        cache: Path | None = None,
    ) -> TableRows:  # fmt: skip
        """Return the rows lazily; no object per row is made."""
        from osler.modalities.tables.read import locate

        return locate(table, columns=columns)

    def digest(self, locators: Sequence[Any], *, file_digest: Callable[[Path], str]) -> str:
        """Return a hash of the cells."""
        from osler.modalities.tables.read import digest

        return digest(locators)

    def reading(self, locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
        """Decide the kind of each column: number, category, boolean, date, or left out (with the reason)."""
        from osler.modalities.tables.read import reading

        return reading(locators, settings=settings)

    def read(self, locator: Any, *, reading: Mapping[str, Any]) -> TableRow | None:
        """Return one row, None where it is empty."""
        from osler.modalities.tables.read import read

        return read(locator, reading=reading)

    def fields(self, *, reading: Mapping[str, Any]) -> tuple[Field, ...]:
        """Return `numbers` and `categories`."""
        from osler.modalities.tables.encode import fields

        return fields(reading=reading)

    def encode(self, case: Any, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
        """Return one row's arrays."""
        from osler.modalities.tables.encode import encode

        return encode(case, reading=reading, roles=roles)

    def fingerprint(self, case: Any) -> tuple[int, int]:
        """Return the hash of one row's content."""
        from osler.modalities.tables.encode import fingerprint

        return fingerprint(case)

    def shard(self, locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
        """Return many rows at once, column by column."""
        from osler.modalities.tables.encode import shard

        return shard(locators, reading=reading, roles=roles)

    def coincidence(self, columns: Columns, rows: np.ndarray) -> float:
        """Return the chance that two different rows are equal by accident."""
        from osler.modalities.tables.facts import coincidence

        return coincidence(columns, rows)

    def clues(self, columns: Columns, rows: np.ndarray) -> Iterator[Clues]:
        """Yield every column."""
        from osler.modalities.tables.facts import clues

        return clues(columns, rows)

    def facts(
        self, columns: Columns, rows: np.ndarray, *, target: Target | None = None, groups: np.ndarray | None = None
    ) -> Mapping[str, Any]:
        """Return per column what was measured of the training rows."""
        from osler.modalities.tables.facts import facts

        return facts(columns, rows)

    def parameters(self, facts: Mapping[str, Any]) -> int | None:
        """Return one for each number, and for each category the words that at least 5 cases have, less one."""
        return len(facts["numbers"]["names"]) + sum(max(1, words - 1) for words in facts["categories"]["common"])

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return embedding, regularisation and other decisions."""
        from osler.modalities.tables.rules import rules

        return rules(brief)

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return the sizes of the network."""
        from osler.modalities.tables.rules import ladder

        return ladder(brief)

    def fit(self, columns: Columns, rows: np.ndarray, *, groups: np.ndarray, plan: Mapping[str, Any]) -> State:
        """Learn scales, bins and vocabularies."""
        from osler.modalities.tables.fit import fit

        return fit(columns, rows, groups=groups, plan=plan)

    def encoder(self, *, plan: Mapping[str, Any], state: State, output: Output) -> nn.Module:
        """Return the network over a row."""
        from osler.modalities.tables.network import TableEncoder

        return TableEncoder(plan=plan, state=state)

    def drift_sums(
        self, columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any], state: State
    ) -> Mapping[str, np.ndarray]:
        """Return counts and sums of every column."""
        from osler.modalities.tables.drift import drift_sums

        return drift_sums(columns, rows, facts=facts, state=state)

    def drift(self, sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any], state: State) -> tuple[Shift, ...]:
        """Return one shift per column."""
        from osler.modalities.tables.drift import drift

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
        """Return numbers and vocabulary codes."""
        from osler.modalities.tables.baseline import baseline_features

        return baseline_features(columns, rows, state=state)

    def features(self, columns: Columns, *, state: State) -> tuple[Feature, ...]:
        """Return one feature per column."""
        from osler.modalities.tables.explain import features

        return features(columns, state=state)

    def values(self, columns: Columns, *, feature: int, state: State) -> np.ndarray:
        """Return one column."""
        from osler.modalities.tables.explain import values

        return values(columns, feature=feature)

    def changed(self, columns: Columns, *, feature: int, values: np.ndarray, state: State) -> Columns:
        """Return the columns with other values in one of them."""
        from osler.modalities.tables.explain import changed

        return changed(columns, feature=feature, values=values)

    def explain(
        self, attribution: np.ndarray, columns: Columns, row: int, *, state: State, facts: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return each column's attribution with the cell's value and where it lies among the training rows."""
        from osler.modalities.tables.explain import explain

        return explain(attribution, columns, row, state=state, facts=facts)
