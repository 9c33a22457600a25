"""Sequences: DNA, RNA and proteins, in letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from osler.contract import NO_OPTIONS, Modality, Output
from osler.core.clue import Clues
from osler.core.columns import Columns, Field
from osler.core.drift import Shift
from osler.core.features import Features
from osler.core.leak import Leak
from osler.core.plan import Brief, Decision, Rung
from osler.core.split import Split
from osler.core.state import State
from osler.core.table import Table
from osler.core.target import Target
from osler.core.variants import Scorer, VariantJob
from osler.core.watch import SILENT, Watch

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from osler.modalities.sequences.case import Letters, SequenceRows


class Sequences(Modality):
    """The modality of sequences of letters; each promise lives in the room of its name."""

    name: ClassVar[str] = "sequences"
    outputs: ClassVar[frozenset[Output]] = frozenset({"vector", "map"})
    listed: ClassVar[bool] = True
    form: ClassVar[tuple[str, ...]] = (
        "width", "motif", "pool", "kernel", "depth", "members", "architecture", "positions", "bins", "strands",
    )  # fmt: skip
    variants: ClassVar[bool] = True
    sourced: ClassVar[bool] = True
    small: ClassVar[int] = 10_000
    recurs: ClassVar[bool] = True
    shard_cases: ClassVar[int] = 8192

    def recognises(self, cells: Sequence[str]) -> float:
        """A column of long cells in the letters of one alphabet."""
        from osler.modalities.sequences.read import recognises

        return recognises(cells)

    def locate(
        self, table: Table, *, columns: Sequence[str], aligned: Sequence[str] = (), options: Mapping[str, Any] = NO_OPTIONS,
        cache: Path | None = None,
    ) -> SequenceRows:  # fmt: skip
        """Return the rows lazily; no object per row is made."""
        from osler.modalities.sequences.read import locate

        return locate(table, columns=columns, aligned=aligned, options=options, cache=cache)

    def public(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the options with the name of a FASTA file in place of its path."""
        from osler.modalities.sequences.read.places import public

        return public(options)

    def digest(self, locators: Sequence[Any], *, file_digest: Callable[[Path], str]) -> str:
        """Return a hash of the cells."""
        from osler.modalities.sequences.read import digest

        return digest(locators)

    def reading(self, locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
        """Decide the alphabet."""
        from osler.modalities.sequences.read import reading

        return reading(locators, settings=settings)

    def read(self, locator: Any, *, reading: Mapping[str, Any]) -> Letters | None:
        """Return one sequence, None where its cell is empty; raises Refused."""
        from osler.modalities.sequences.read import read

        return read(locator, reading=reading)

    def fields(self, *, reading: Mapping[str, Any]) -> tuple[Field, ...]:
        """Return the letters, what tells equal sequences, and a value for each letter."""
        from osler.modalities.sequences.encode import fields

        return fields(reading=reading)

    def encode(self, case: Any, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
        """Return one sequence's arrays."""
        from osler.modalities.sequences.encode import encode

        return encode(case, reading=reading, roles=roles)

    def fingerprint(self, case: Any) -> tuple[int, int]:
        """Return the hash of the letters, whatever their case."""
        from osler.modalities.sequences.encode import fingerprint

        return fingerprint(case)

    def shard(self, locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
        """Return many sequences at once."""
        from osler.modalities.sequences.encode import shard

        return shard(locators, reading=reading, roles=roles)

    def score_variants(
        self, job: VariantJob, *, score: Scorer, reading: Mapping[str, Any], facts: Mapping[str, Any], watch: Watch = SILENT
    ) -> Mapping[str, int]:
        """Write a file of variants with the scores of each allele."""
        from osler.modalities.sequences.variants import score_variants, window_length

        length = window_length(reading, facts)
        return score_variants(job, length=length, score=score, alphabet=str(reading["alphabet"]), watch=watch)

    def replicates(self, columns: Columns) -> np.ndarray | None:
        """Return numbers of equal sequences, either strand of DNA counting as the same."""
        from osler.modalities.sequences.keys.together import replicates

        return replicates(columns)

    def split_keys(self, columns: Columns) -> Mapping[str, np.ndarray]:
        """Return the cluster of sequences with long pieces in common, and the sequence on either strand."""
        from osler.modalities.sequences.keys import Keys

        return Keys(columns)

    def leaks(self, columns: Columns, split: Split, *, target: Target) -> tuple[Leak, ...]:
        """Return reverse complements, and sequences with long pieces in common."""
        from osler.modalities.sequences.leaks import leaks

        return leaks(columns, split)

    def nearness(self, columns: Columns, rows: np.ndarray, *, among: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return how much of each sequence training knows."""
        from osler.modalities.sequences.leaks import nearness

        return nearness(columns, rows, among=among)

    def yardsticks(self, columns: Columns, rows: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the GC share, of nucleotides; nothing where the target has a value for each letter, which it is not one of."""
        from osler.modalities.sequences.leaks import GC, plain

        if columns.names("target"):
            return {}
        return {name: values for name, values in plain(columns, rows).items() if name == GC}

    def clues(self, columns: Columns, rows: np.ndarray) -> Iterator[Clues]:
        """Yield the length and the GC share."""
        from osler.modalities.sequences.leaks import clues

        return clues(columns, rows)

    def facts(
        self, columns: Columns, rows: np.ndarray, *, target: Target | None = None, groups: np.ndarray | None = None
    ) -> Mapping[str, Any]:
        """Return lengths, composition, repeats, and whether strand and place have a meaning."""
        from osler.modalities.sequences.facts import facts

        return facts(columns, rows, target=target)

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return strands, read-out, augmentation and regularisation."""
        from osler.modalities.sequences.rules import rules

        return rules(brief)

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return the sizes of the network."""
        from osler.modalities.sequences.rules import ladder

        return ladder(brief)

    def fit(self, columns: Columns, rows: np.ndarray, *, groups: np.ndarray, plan: Mapping[str, Any]) -> State:
        """Return what the classical model counts."""
        from osler.modalities.sequences.fit import fit

        return fit(columns, plan=plan)

    def windows(
        self, columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], generator: np.random.Generator, moved: bool = True
    ) -> np.ndarray | None:
        """Return pieces of long sequences, where the target has a value for each letter."""
        from osler.modalities.sequences.gather import windows

        return windows(columns, rows, window=int(plan["window"]), generator=generator)

    def gather(
        self, columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], windows: np.ndarray | None, names: Sequence[str]
    ) -> dict[str, Tensor]:
        """Return a batch of letters, with their targets."""
        from osler.modalities.sequences.gather import gather

        return gather(columns, rows, window=int(plan["window"]), windows=windows, names=names)

    def augment(
        self, fields: dict[str, Tensor], *, warps: Mapping[str, str], plan: Mapping[str, Any], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return the batch moved by a few letters, read from either strand, some letters hidden."""
        from osler.modalities.sequences.augment import augment

        return augment(fields, plan=plan, generator=generator)

    def encoder(self, *, plan: Mapping[str, Any], state: State, output: Output) -> nn.Module:
        """Return the network over sequences."""
        from osler.modalities.sequences.network import PlaceEncoder, SequenceEncoder

        along = output == "map" and "positions" not in plan  # an input beside that of the letters has a vector, which is read out
        return PlaceEncoder(plan=plan) if along else SequenceEncoder(plan=plan)

    def tiles(self, columns: Columns, row: int, *, plan: Mapping[str, Any]) -> np.ndarray | None:
        """Return pieces of a long sequence."""
        from osler.modalities.sequences.gather import tiles

        return tiles(self.stored(columns, row)[0], window=int(plan["window"]))

    def tile_weights(self, shape: tuple[int, ...], *, plan: Mapping[str, Any]) -> np.ndarray:
        """Return less for letters near the ends of a piece."""
        from osler.modalities.sequences.gather import tile_weights

        return tile_weights(shape[0])

    def stored(self, columns: Columns, row: int) -> tuple[int, ...]:
        """Return the length."""
        from osler.modalities.sequences.gather import ragged

        return (len(ragged(columns)[row]),)

    def drift_sums(
        self, columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any], state: State
    ) -> Mapping[str, np.ndarray]:
        """Return sums of lengths and shares of letters."""
        from osler.modalities.sequences.drift import drift_sums

        return drift_sums(columns, rows, facts=facts)

    def drift(self, sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any], state: State) -> tuple[Shift, ...]:
        """Return one shift for each of them."""
        from osler.modalities.sequences.drift import drift

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
        """Return counts of k-mers; of single letters what stands about them."""
        from osler.modalities.sequences.baseline import baseline_features, place_features

        if at == "grid":
            return place_features(columns, rows, state=state, generator=generator)
        return baseline_features(columns, rows, state=state)

    def picture(
        self, columns: Columns, row: int, *, layers: Mapping[str, np.ndarray] | None = None, state: State | None = None
    ) -> str | None:
        """Return the sequence as a logo of what each letter adds, or the values of its letters as lines."""
        from osler.modalities.sequences.explain import picture

        return picture(columns, row, layers=layers or {})

    def changes(self, lifted: Tensor, score: Callable[[Tensor], Tensor], *, attribution: np.ndarray) -> np.ndarray | None:
        """Return what each substitution of a letter would change."""
        from osler.modalities.sequences.motifs.mutagenesis import changes_of

        return changes_of(lifted, score, attribution=attribution)

    def recurring(
        self, columns: Columns, rows: np.ndarray, *, attributions: Sequence[np.ndarray], scores: np.ndarray, seed: int
    ) -> Sequence[Mapping[str, Any]]:
        """Return motifs, each with its logo."""
        from osler.modalities.sequences.motifs.recur import patterns

        return patterns(columns, rows, attributions=attributions, scores=scores, seed=seed)

    def named(self, patterns: Sequence[Mapping[str, Any]], *, file: Path | None) -> Sequence[Mapping[str, Any]]:
        """Return motifs with the known ones of a file in MEME or JASPAR text that are like them."""
        from osler.modalities.sequences.motifs.recur import named

        return named(patterns, file=file)

    def write_patterns(self, patterns: Sequence[Mapping[str, Any]], *, folder: Path) -> Path | None:
        """Write motifs as a MEME file."""
        from osler.modalities.sequences.motifs.recur import write_patterns

        return write_patterns(patterns, folder=folder)
