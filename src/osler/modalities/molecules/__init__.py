"""Molecules: small molecules as graphs, descriptors and fingerprints, from SMILES, InChI or molfiles in a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from osler.contract import NO_OPTIONS, Modality, Output
from osler.core.attribution import Feature
from osler.core.columns import Columns, Field
from osler.core.drift import Shift
from osler.core.features import Features
from osler.core.leak import Leak
from osler.core.plan import Brief, Decision, Rung
from osler.core.split import Split
from osler.core.state import State
from osler.core.table import Table
from osler.core.target import Target

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from osler.modalities.molecules.case import Molecule, MoleculeRows


class Molecules(Modality):
    """The modality of small molecules; each promise lives in the room of its name."""

    name: ClassVar[str] = "molecules"
    form: ClassVar[tuple[str, ...]] = ("width", "steps", "depth", "members", "readout", "descriptors")
    small: ClassVar[int] = 2_500  # of 3,360, two networks on one split were better than five on folds, of 1,624 not (docs/lab.md)
    shard_cases: ClassVar[int] = 1024

    def recognises(self, cells: Sequence[str]) -> float:
        """A column that RDKit reads."""
        from osler.modalities.molecules.read import recognises

        return recognises(cells)

    def locate(
        self, table: Table, *, columns: Sequence[str], aligned: Sequence[str] = (), options: Mapping[str, Any] = NO_OPTIONS,
        cache: Path | None = None,
    ) -> MoleculeRows:  # fmt: skip
        """Return the rows lazily; no object per row is made."""
        from osler.modalities.molecules.read import locate

        return locate(table, columns=columns)

    def digest(self, locators: Sequence[Any], *, file_digest: Callable[[Path], str]) -> str:
        """Return a hash of the cells."""
        from osler.modalities.molecules.read import digest

        return digest(locators)

    def reading(self, locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
        """Decide how molecules are standardised."""
        from osler.modalities.molecules.read import reading

        return reading(settings=settings)

    def read(self, locator: Any, *, reading: Mapping[str, Any]) -> Molecule | None:
        """Return one molecule, None where its cell is empty; raises Refused."""
        from osler.modalities.molecules.read import read

        return read(locator, reading=reading)

    def fields(self, *, reading: Mapping[str, Any]) -> tuple[Field, ...]:
        """Return the graph, descriptors, fingerprints, and what tells equal molecules."""
        from osler.modalities.molecules.encode import fields

        return fields(reading=reading)

    def encode(self, case: Any, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
        """Return one molecule's arrays."""
        from osler.modalities.molecules.encode import encode

        return encode(case, reading=reading, roles=roles)

    def fingerprint(self, case: Any) -> tuple[int, int]:
        """Return the hash of the canonical SMILES."""
        from osler.modalities.molecules.encode import fingerprint

        return fingerprint(case)

    def shard(self, locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
        """Return many molecules at once."""
        from osler.modalities.molecules.encode.shard import shard

        return shard(locators, reading=reading, roles=roles)

    def split_keys(self, columns: Columns) -> Mapping[str, np.ndarray]:
        """Return the molecule in all its forms, its scaffold, its cluster of alike molecules."""
        from osler.modalities.molecules.keys import Keys

        return Keys(columns)

    def replicates(self, columns: Columns) -> np.ndarray | None:
        """Return numbers of equal molecules, as features are computed of them."""
        from osler.modalities.molecules.keys.together import replicates

        return replicates(columns)

    def alerts(self, columns: Columns, rows: np.ndarray) -> np.ndarray:
        """Return the structural alerts of each molecule."""
        from osler.modalities.molecules.facts.alerts import alerts

        return alerts(columns, rows)

    def leaks(self, columns: Columns, split: Split, *, target: Target) -> tuple[Leak, ...]:
        """Return the same molecules in other forms, and near analogues."""
        from osler.modalities.molecules.leaks import leaks

        return leaks(columns, split)

    def nearness(self, columns: Columns, rows: np.ndarray, *, among: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the similarity of each molecule to the nearest training molecule."""
        from osler.modalities.molecules.leaks import nearness

        return nearness(columns, rows, among=among)

    def facts(
        self, columns: Columns, rows: np.ndarray, *, target: Target | None = None, groups: np.ndarray | None = None
    ) -> Mapping[str, Any]:
        """Return sizes, repeated molecules, and those that contradict one another."""
        from osler.modalities.molecules.facts import facts

        return facts(columns, rows, target=target)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return readout and regularisation."""
        from osler.modalities.molecules.rules import rules

        return rules(brief)

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return the sizes of the network."""
        from osler.modalities.molecules.rules import ladder

        return ladder(brief)

    def fit(self, columns: Columns, rows: np.ndarray, *, groups: np.ndarray, plan: Mapping[str, Any]) -> State:
        """Learn the descriptors' scales, and which counts tell molecules apart."""
        from osler.modalities.molecules.fit import fit

        return fit(columns, rows, groups=groups)

    def gather(
        self, columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], windows: np.ndarray | None, names: Sequence[str]
    ) -> dict[str, Tensor]:
        """Return a batch as one flat graph."""
        from osler.modalities.molecules.gather import gather

        return gather(columns, rows, names=names)

    def augment(
        self, fields: dict[str, Tensor], *, warps: Mapping[str, str], plan: Mapping[str, Any], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return the batch with some atoms hidden."""
        from osler.modalities.molecules.augment import augment

        return augment(fields, plan=plan, generator=generator)

    def encoder(self, *, plan: Mapping[str, Any], state: State, output: Output) -> nn.Module:
        """Return the network over molecules."""
        from osler.modalities.molecules.network import MoleculeEncoder

        return MoleculeEncoder(plan=plan, state=state)

    def drift_sums(
        self, columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any], state: State
    ) -> Mapping[str, np.ndarray]:
        """Return sums of the descriptors that a chemist knows."""
        from osler.modalities.molecules.drift import drift_sums

        return drift_sums(columns, rows, facts=facts)

    def drift(self, sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any], state: State) -> tuple[Shift, ...]:
        """Return one shift for each of them."""
        from osler.modalities.molecules.drift import drift

        return drift(sums, facts=facts)

    def baseline_features(
        self,
        columns: Columns,
        rows: np.ndarray,
        *,
        state: State,
        at: Literal["case", "grid"] = "case",
        generator: np.random.Generator | None = None,
    ) -> Features:
        """Return descriptors and counts."""
        from osler.modalities.molecules.baseline import baseline_features

        return baseline_features(columns, rows, state=state)

    def features(self, columns: Columns, *, state: State) -> tuple[Feature, ...]:
        """Return structure and descriptors."""
        from osler.modalities.molecules.explain import FEATURES

        return FEATURES

    def changed(self, columns: Columns, *, feature: int, values: np.ndarray, state: State) -> Columns:
        """Return the columns in which each case has another case's structure, or its descriptors."""
        from osler.modalities.molecules.explain import changed

        return changed(columns, feature=feature, values=values)

    def explain(
        self, attribution: np.ndarray, columns: Columns, row: int, *, state: State, facts: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what structure and descriptors add."""
        from osler.modalities.molecules.explain import explain

        return explain(attribution)

    def picture(
        self, columns: Columns, row: int, *, layers: Mapping[str, np.ndarray] | None = None, state: State | None = None
    ) -> str | None:
        """Return a drawing of the molecule, its atoms and bonds coloured by what speaks for the prediction."""
        from osler.modalities.molecules.explain import picture

        return picture(columns, row, layers=layers or {})
