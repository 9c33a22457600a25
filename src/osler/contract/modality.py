"""What a kind of data promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from osler.contract.writing import Writing
from osler.core.attribution import Feature
from osler.core.clue import Clues
from osler.core.columns import NO_WORDS, Columns, Field, Ragged, stacked
from osler.core.drift import Shift
from osler.core.errors import Refusal, Refused
from osler.core.features import Features
from osler.core.grid import Grid
from osler.core.leak import Leak
from osler.core.plan import Brief, Decision, Rung
from osler.core.question import Cohort, Purpose, Question
from osler.core.split import Split
from osler.core.state import State
from osler.core.table import Table
from osler.core.target import Target
from osler.core.variants import Scorer, VariantJob
from osler.core.watch import SILENT, Watch

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Output = Literal["vector", "map"]
NO_OPTIONS: Mapping[str, Any] = {}


class Modality(Writing):
    """A kind of data."""

    name: ClassVar[str]
    opens: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[tuple[str, ...]] = ()
    outputs: ClassVar[frozenset[Output]] = frozenset({"vector"})
    listed: ClassVar[bool] = False  # targets of its places are cells of the table that list their values, and not files
    form: ClassVar[tuple[str, ...]] = ()  # decisions that give the encoder's weights their shapes: a warm start takes them over
    shard_cases: ClassVar[int] = 256  # cases read by one worker at a time; columnar kinds take more
    variants: ClassVar[bool] = False  # whether `score_variants` scores files of variants
    sourced: ClassVar[bool] = False  # whether an option "source" may name a file in which the cases lie, without a question
    asked: ClassVar[tuple[str, ...]] = ()  # options that a study's question fills in, among "source", "after", "window"

    recurs: ClassVar[bool] = False  # whether `recurring` may find something: attributions of many cases are made for it

    small: ClassVar[int] = 1_000  # groups below which members are cross-fitted where there is time: five trainings instead of one

    def cases_at_once(self, reading: Mapping[str, Any]) -> int:
        """Return how many cases one worker reads at a time: fewer where the decisions make them large."""
        return self.shard_cases

    def recognises(self, cells: Sequence[str]) -> float:
        """Return from 0 to 1 how surely a column with these cells (a sample, none empty) is of this kind; the surest gets it."""
        return 0.0

    # scan and columns: unfitted, from files alone ---------------------------------------------------------------------

    def locate(
        self, table: Table, *, columns: Sequence[str], aligned: Sequence[str] = (), options: Mapping[str, Any] = NO_OPTIONS,
        cache: Path | None = None,
    ) -> Sequence[Any]:  # fmt: skip
        """Return one picklable locator per row, None where the input is missing.

        The sequence may be lazy, but slices of it must be locators again. `aligned` are columns of targets that lie on
        this input's grid (masks). A locator may be a Refusal where the cell itself is wrong (a path that leaves the folder).
        `options` are what the study says of the input beside its columns; `cache` is where what all cases share (an event
        table) may be prepared once, None for nowhere that lasts.
        """
        raise NotImplementedError

    def cases_in(self, folder: Path, names: Sequence[str], *, reading: Mapping[str, Any]) -> Sequence[str]:
        """Return the cases among the files `names` that lie in `folder`, where a folder stands in for a table; "" is the folder as a
        whole, a series of slices. Default: each file that this kind opens."""
        return [name for name in names if name.lower().endswith(self.opens)]

    def public(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the `options` that a bundle may hold: no absolute path, no address with a password. Default: all of them."""
        return options

    def added(
        self, table: Table, *, columns: Sequence[str], options: Mapping[str, Any], cache: Path | None = None
    ) -> Mapping[str, Sequence[Any]]:
        """Return by name the columns (n,) that this input's files know of the rows of `table` and that the study may use as if
        the table had them: an official split that comes with the events. Default: none."""
        return {}

    def cohort(
        self, question: Question, *, folder: Path, options: Mapping[str, Any], cache: Path, purpose: Purpose = "train"
    ) -> Cohort | None:  # fmt: skip
        """Return the cases that `question` makes of the events that `options` name ("source", relative to `folder`), prepared in
        `cache`. Default: this kind of data has no events to ask of.

        To "train" the question is checked against the events, and all faults raised as StudyError; to "score" outcomes are told;
        to "predict" nothing after the prediction time is looked at.
        """
        return None

    def digest(self, locators: Sequence[Any], *, file_digest: Callable[[Path], str]) -> str:
        """Return a hash of the content behind `locators`, the key of their shard in the cache. `file_digest` gives a file's sha256
        from the ledger. Default: the locators are paths or hold them in `.paths`."""
        parts = []
        for locator in locators:
            paths = () if locator is None or isinstance(locator, Refusal) else getattr(locator, "paths", (locator,))
            parts.append(",".join(file_digest(Path(p)) for p in paths))
        return "\n".join(parts)

    def reading(self, locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
        """Return the decisions on how to read, from headers and never from labels. `settings` are the user's."""
        return ()

    def read(self, locator: Any, *, reading: Mapping[str, Any]) -> Any:
        """Return the case behind `locator` as this modality's frozen record, None where it holds nothing; raises Refused."""
        raise NotImplementedError

    def replicates(self, columns: Columns) -> np.ndarray | None:
        """Return (n,) int64, equal for cases of which a model sees the same: several measurements of one thing. Default None: this kind
        of data does not tell."""
        return None

    def alerts(self, columns: Columns, rows: np.ndarray) -> np.ndarray:
        """Return (m,) object: what in each of `rows` a reader of its prediction is warned of, as text, "" where nothing is. Default: this
        kind of data knows none."""
        return np.full(len(rows), "", object)

    def fields(self, *, reading: Mapping[str, Any]) -> tuple[Field, ...]:
        """Return what `encode` gives per case."""
        raise NotImplementedError

    def encode(self, case: Any, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
        """Return the case's arrays by field, for fields whose role is among `roles`."""
        raise NotImplementedError

    def fingerprint(self, case: Any) -> tuple[int, int]:
        """Return a 128-bit hash of the content as two int64, equal for equal content whatever file it came in."""
        raise NotImplementedError

    def shard(self, locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
        """Return the columns of one shard. Default: a loop of `read` and `encode`; columnar kinds override it.

        A case that cannot be read is absent and has a refusal; nothing else stops.
        """
        fields = tuple(f for f in self.fields(reading=reading) if f.role in roles)
        rows: list[dict[str, np.ndarray] | None] = []
        refusals: dict[int, Refusal] = {}
        fingerprints = np.zeros((len(locators), 2), np.int64)
        for row, locator in enumerate(locators):
            try:
                case = self._case(locator, reading=reading)
                rows.append(None if case is None else self.encode(case, reading=reading, roles=roles))
                fingerprints[row] = (0, 0) if case is None else self.fingerprint(case)
            except Refused as refused:
                refusals[row] = refused.refusal
                rows.append(None)
        arrays = {f.name: stacked(f, [None if r is None else r[f.name] for r in rows]) for f in fields}
        return Columns(fields, arrays, np.array([r is not None for r in rows], bool), fingerprints, refusals, NO_WORDS)

    def _case(self, locator: Any, *, reading: Mapping[str, Any]) -> Any:
        if isinstance(locator, Refusal):
            raise Refused(locator)
        return None if locator is None else self.read(locator, reading=reading)

    # split, leaks, facts, plan ----------------------------------------------------------------------------------------

    def split_keys(self, columns: Columns) -> Mapping[str, np.ndarray]:
        """Return by name (scaffold, chromosome, …) an array (n,) whose equal values must stay together."""
        return {}

    def coincidence(self, columns: Columns, rows: np.ndarray) -> float:
        """Return the chance that two different cases have equal content by accident (poor tables), else 0."""
        return 0.0

    def leaks(self, columns: Columns, split: Split, *, target: Target) -> tuple[Leak, ...]:
        """Return the findings that only this modality can see. Equal content is looked for by the spine."""
        return ()

    def nearness(self, columns: Columns, rows: np.ndarray, *, among: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return by name an array (m,), NaN where unknown, that says how like the cases `rows` are to the nearest of those in `among`, the
        training: scores are told by it, as by a column. Default: nothing."""
        return {}

    def yardsticks(self, columns: Columns, rows: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return by name plain numbers (m,) of the cases `rows`, NaN where unknown, that may tell much of the outcome without any
        model: the report scores each by itself. Default: none."""
        return {}

    def clues(self, columns: Columns, rows: np.ndarray) -> Iterator[Clues]:
        """Yield, in bounded memory, the single facts of the cases `rows` that could give the outcome away: the spine looks
        whether one does. Default: none."""
        return iter(())

    def facts(
        self, columns: Columns, rows: np.ndarray, *, target: Target | None = None, groups: np.ndarray | None = None
    ) -> Mapping[str, Any]:
        """Return what JSON can hold, measured on `rows` (the training rows) of all cases and of `target`: aggregates, no choices.
        Words that come from the data are named only where at least five `groups` (n,) int64 share them; None: each case is one."""
        return {}

    def parameters(self, facts: Mapping[str, Any]) -> int | None:
        """Return the parameters of a plain regression of this input, by which the sample size is judged; None of a picture."""
        return None

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return this input's decisions, and under `fit.` what it asks of training (of several inputs the least). Pure."""
        return ()

    def ladder(self, brief: Brief) -> tuple[Rung, ...]:
        """Return the sizes among which the spine chooses by time, from small to large. Pure."""
        return ()

    # fit --------------------------------------------------------------------------------------------------------------

    def fit(self, columns: Columns, rows: np.ndarray, *, groups: np.ndarray, plan: Mapping[str, Any]) -> State:
        """Return what is learned from `rows` besides weights. `groups` (n,) int64: a word enters the state only when at
        least five groups of `rows` share it, and no array may hold a single case's value."""
        return State()

    def windows(
        self, columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], generator: np.random.Generator, moved: bool = True
    ) -> np.ndarray | None:
        """Return where to cut each of `rows` (B, axes, 2) in index units, or None to take cases whole. Windows that are to be
        `moved` by `augment` may be wider than what the network sees, so that nothing is missing at their rims."""
        return None

    def gather(
        self, columns: Columns, rows: np.ndarray, *, plan: Mapping[str, Any], windows: np.ndarray | None, names: Sequence[str]
    ) -> dict[str, Tensor]:
        """Return the fields `names` of the cases `rows`. Default: dense fields (B, …); a ragged field as its flat values
        under its name and `<name>.offsets` (B + 1,)."""
        import torch

        out: dict[str, Tensor] = {}
        for name in names:
            array = columns[name]
            if isinstance(array, Ragged):
                taken = array.take(rows)
                out[name] = torch.from_numpy(taken.values)
                out[f"{name}.offsets"] = torch.from_numpy(taken.offsets)
            else:
                out[name] = torch.from_numpy(np.ascontiguousarray(array[rows]))
        return out

    def augment(
        self, fields: dict[str, Tensor], *, warps: Mapping[str, str], plan: Mapping[str, Any], generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Return the batch augmented, inputs and grid targets moved alike, each by its warp. Default: as it came."""
        return fields

    def encoder(self, *, plan: Mapping[str, Any], state: State, output: Output) -> nn.Module:
        """Return a module with `lift(fields) -> floats`, `forward(lifted, fields) -> Encoded`, and the attributes `width`
        (of the vector) and `channels` (of the maps, from fine to coarse)."""
        raise NotImplementedError

    # targets on a grid ------------------------------------------------------------------------------------------------

    def tiles(self, columns: Columns, row: int, *, plan: Mapping[str, Any]) -> np.ndarray | None:
        """Return the windows (t, axes, 2), all of one size, that cover case `row` in inference, or None to take it whole. They may
        reach over its ends."""
        return None

    def tile_weights(self, shape: tuple[int, ...], *, plan: Mapping[str, Any]) -> np.ndarray:
        """Return how much each place of a tile of `shape` counts (axes) where tiles overlap. Default: all alike."""
        return np.ones(shape, np.float32)

    def stored(self, columns: Columns, row: int) -> tuple[int, ...]:
        """Return the shape of the grid on which case `row` is stored and tiled."""
        raise NotImplementedError

    def grid(self, columns: Columns, row: int) -> Grid:
        """Return case `row`'s own grid, that of its file, on which marks are scored and written. Default: as stored."""
        return Grid(self.stored(columns, row), np.eye(4))

    def restored(self, raw: np.ndarray, columns: Columns, row: int) -> Iterator[np.ndarray]:
        """Yield the raw map (k, stored grid) of case `row` on its own grid, in slabs (k, a, …) along the grid's first axis.
        Default: all at once, as stored."""
        yield raw

    def truth(self, columns: Columns, row: int) -> np.ndarray:
        """Return the marks (channels, i, j[, k]) that were read with case `row`, on its own grid. Default: the target field."""
        return np.asarray(columns[columns.names("target")[0]][row])[None]

    def persons(self, columns: Columns) -> np.ndarray | None:
        """Return (n,) int64, a hash of the person that each case's files name, 0 for nobody. Default None: files do not tell."""
        return None

    # variants ---------------------------------------------------------------------------------------------------------

    def score_variants(
        self, job: VariantJob, *, score: Scorer, reading: Mapping[str, Any], facts: Mapping[str, Any], watch: Watch = SILENT
    ) -> Mapping[str, int]:
        """Write the file of variants that `job` names, each allele scored by what it changes in windows of the length of the training
        `facts`; return how many "records", "alleles", "scored", and by code why not. Raises RequestError where a file is damaged."""
        raise NotImplementedError

    # new data ---------------------------------------------------------------------------------------------------------

    def drift_sums(
        self, columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any], state: State
    ) -> Mapping[str, np.ndarray]:
        """Return what is counted of the new cases `rows` to compare them with the training `facts` and `state`: arrays that
        the spine adds up over blocks, each (…) of the same shape every time. Default: nothing."""
        return {}

    def drift(self, sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any], state: State) -> tuple[Shift, ...]:
        """Return one shift per column from the sums of all new cases: aggregates, nothing under 5 cells."""
        return ()

    # baseline, explanation --------------------------------------------------------------------------------------------

    def baseline_features(
        self, columns: Columns, rows: np.ndarray, *, state: State, at: Literal["case", "grid"] = "case",
        generator: np.random.Generator | None = None,
    ) -> Features:  # fmt: skip
        """Return the features of `rows` on which the classical model is trained; absent cases are all NaN.

        `at="grid"` gives positions inside the stored cases: a sample of them where `generator` is given, else every place, or of
        very large cases every `Features.stride`-th along each axis.
        """
        raise NotImplementedError

    def features(self, columns: Columns, *, state: State) -> tuple[Feature, ...]:
        """Return what attributions to this input are summed over. Default: the input as a whole.

        `Features.owner` tells which of them each column of `baseline_features` belongs to, and without it column and feature are
        one. Of what an encoder lifts its `owner` (F,) tells it, or, where it differs between cases, `owners(fields)`,
        shaped as what is lifted. The feature named "", if there is one, is the last: the rest, which has no feature of its own.
        """
        return (Feature(""),)

    def values(self, columns: Columns, *, feature: int, state: State) -> np.ndarray:
        """Return (n,) what `changed` sets of a feature. Default, for the input as a whole: the numbers of the rows."""
        return np.arange(len(columns))

    def changed(self, columns: Columns, *, feature: int, values: np.ndarray, state: State) -> Columns:
        """Return the columns with `values` (n,) of one feature, the rest as it was. Default: each case gets the whole input of
        the row that `values` names."""
        return columns.take(values)

    def explain(
        self, attribution: np.ndarray, columns: Columns, row: int, *, state: State, facts: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what JSON can hold on one case: under "features" one entry for each of `features`, with its "attribution".

        `attribution` is summed over features (f,). A modality adds what a reader wants to see beside it: the "value", and the
        "band" of training in which it lies, by the training rows' `facts`. It is the user's own, and no bundle's.
        """
        return {"features": [{"name": "", "attribution": float(np.sum(attribution))}]}

    def picture(
        self, columns: Columns, row: int, *, layers: Mapping[str, np.ndarray] | None = None, state: State | None = None
    ) -> str | None:
        """Return an SVG of a case without a word but names in the data, or None where nothing can be looked at. `layers` are drawn
        over it, beside one another: "attribution", shaped as what the encoder lifts, and "focus" (i, j[, k]); or marks on its
        own grid, (channels, i, j[, k]): "marks" as predicted, "truth" as read. `state` tells what is usual in training."""
        return None

    def write_attribution(self, attribution: np.ndarray, columns: Columns, row: int, *, folder: Path, name: str) -> Path | None:
        """Write what each place adds, `attribution`, shaped as what the encoder lifts of case `row`, into `folder` in the geometry of
        the case's file; return the file, whose name begins with `name`. Default: None, as a drawing tells all of it."""
        return None

    def changes(self, lifted: Tensor, score: Callable[[Tensor], Tensor], *, attribution: np.ndarray) -> np.ndarray | None:
        """Return how each answer would change (a, …) if single parts of a case were others, shaped as what the encoder lifts of it,
        NaN where that was not asked. `lifted` is one case (1, …), `score` maps such (m, …) to (m, a), `attribution` (a, …) tells
        where it matters. Drawn as the layer "changes" of `picture`. Default: None, as there are no parts to exchange."""
        return None

    def recurring(
        self, columns: Columns, rows: np.ndarray, *, attributions: Sequence[np.ndarray], scores: np.ndarray, seed: int
    ) -> Sequence[Mapping[str, Any]]:
        """Return what recurs in the cases `rows` where `attributions`, each shaped as what is lifted of its case (none where no network
        counts), speak for an answer or against it ("side"), whose `scores` (m,) are given: aggregates that JSON can hold, each with an
        "svg". Default: nothing."""
        return ()

    def named(self, patterns: Sequence[Mapping[str, Any]], *, file: Path | None) -> Sequence[Mapping[str, Any]]:
        """Return what `recurring` found, with its drawings again and, where a `file` of known ones is given, those that are like it under
        "known"; raises RequestError for a file that cannot be used. Default: as it came."""
        return patterns

    def write_patterns(self, patterns: Sequence[Mapping[str, Any]], *, folder: Path) -> Path | None:
        """Write what `recurring` found into `folder` in a form that the field's tools read; return the file. Default: None."""
        return None

    def sketch(self, plan: Mapping[str, Any]) -> str | None:
        """Return an SVG of what `augment` does, drawn on a pattern that is no patient's, or None where it does nothing to see."""
        return None
