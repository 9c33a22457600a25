"""A loaded bundle: what `osler.load` returns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.contract import Modality, Task
from osler.core import registry
from osler.core.columns import Columns, Role
from osler.core.errors import BundleError, OslerError, Refusal, RequestError
from osler.core.marks import Painted
from osler.core.processors import processors
from osler.core.question import PREDICTION
from osler.core.state import State
from osler.core.table import Table
from osler.flows import cohorts, painting
from osler.flows.cases import ON_GRID, gathered_refusals
from osler.flows.crew import Crew
from osler.flows.freeze import taken
from osler.flows.judging import part_outputs, raw_outputs
from osler.flows.members import PARTS
from osler.flows.opening import default_cache, in_memory
from osler.flows.planning import chosen_device, threads
from osler.flows.screening import as_trained
from osler.flows.sources import NONE, Sources, moved, told
from osler.spine.bundle import Contents, read_bundle
from osler.spine.columns import Asked, block_cases, grid_cases, read_ahead
from osler.spine.fit import NetworkMember, Source
from osler.spine.output import Blend

if TYPE_CHECKING:
    import polars as pl

    from osler.flows.explaining import Subject


LISTED = 1_024  # cases of a block whose predictions are a list of numbers each
INPUTS = frozenset[Role]({"input"})
WITH_BASELINE = frozenset[Role]({"input", "baseline"})


@dataclass(frozen=True, slots=True)
class Predictor:
    """A bundle ready to predict; it changes nothing on disk and is shown as a summary in a notebook.

    `moved` holds, by input, options that differ from those of training: where new events lie. `workers` processes read new cases, None
    for as many as there are processors.
    """

    name: str
    contents: Contents
    task: Task
    modalities: Mapping[str, Modality]
    crews: tuple[Crew, ...]
    blend: Blend
    device: str
    cache: Path | None = None
    moved: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    workers: int | None = None

    @property
    def info(self) -> Mapping[str, Any]:
        """The target's info: kind, names, classes."""
        return self.contents.about["target"]

    @property
    def scores(self) -> str:
        """The content of scores.json."""
        return self.contents.documents["scores.json"]

    @property
    def anchor(self) -> str | None:
        """The input on whose grid the prediction lies; None where there is one answer per case."""
        return next(iter(self.modalities)) if self.task.needs(self.info) == "map" else None

    def predict(self, table: Any) -> pl.DataFrame:
        """Return one line per row of `table`, in its order: probabilities or values, and `refused` with the reason. Of masks it tells
        what they hold (volumes, expected quality); `segment` gives the masks themselves. Of tracks a cell is a list.

        `table` is a path, an Arrow table, a polars or pandas frame, or a mapping of columns; of a bundle that derives its cases from
        events, the place of new events.
        """
        import polars as pl

        parts = [pl.DataFrame(reader.lines(block, columns)) for reader, block, columns in self._read(table)]
        if self.anchor is None:
            return pl.concat(parts)
        return pl.concat(parts, how="diagonal_relaxed").select(max(parts, key=lambda part: part.width).columns)

    def segment(self, table: Any) -> Iterator[tuple[int, Painted]]:
        """Yield the number of each row of `table` (from 1) that can be used, with its marks, one case after another: `marks`
        (channels, i, j[, k]) uint8 on the case's own grid, of tracks (1, length) float32, and `cells`. `table` is as in `predict`.

        Raises RequestError where the bundle's predictions lie on no grid.
        """
        if self.anchor is None:
            raise RequestError("this bundle gives one answer per case and no masks; 'predict' tells them")
        for reader, block, columns in self._read(table):
            for row, painted in painting.painted_block(reader, block, columns)[0]:
                yield block.first + 1 + row, painted

    def _read(self, table: Any) -> Iterator[tuple[Predictor, Table, dict[str, Columns]]]:
        """Yield what reads the table with each of its blocks and their columns."""
        reader = self
        if isinstance(table, (str, Path)):
            reader, table = cohorts.of_bundle(self, table, purpose="predict", cache=default_cache())
        else:
            cohorts.check_rows(self)
        blocks = as_trained(in_memory(table, size=self.block_cases), table, predictor=reader)
        for block, columns in reader.streamed(blocks, parts=self.blend.parts):
            yield reader, block, columns

    def lines(self, block: Table, columns: Mapping[str, Columns] | None = None) -> dict[str, np.ndarray]:
        """Return the output columns of one block: row number (from 1), the study's id, predictions, refusals; of several inputs
        also those that each prediction was made without."""
        columns = self.columns(block) if columns is None else columns
        told, refusals = self._told(block, columns)
        return {**self.heading(block), **told, **ending(columns, refusals)}

    def _told(self, block: Table, columns: Mapping[str, Columns]) -> tuple[dict[str, np.ndarray], dict[int, Refusal]]:
        """Return what is predicted of a block's cases by column (n,), and the refusals by row."""
        if self.anchor is not None:
            cases, refusals = painting.painted_block(self, block, columns)
            if self.task.listed:
                return painting.listed(dict(cases), cases=len(block)), refusals
            return painting.cells_of({row: one.cells for row, one in cases}, cases=len(block)), refusals
        raws, refusals = self.raw(block, columns=columns, parts=self.blend.parts)
        decoded = self.task.decode(raws["test"], self.output("test"), info=self.info, plan=self.contents.plan)
        kept = np.array([r not in refusals for r in range(len(block))], bool)
        return {name: _spread(values, kept) for name, values in decoded.items()}, refusals

    def heading(self, block: Table) -> dict[str, np.ndarray]:
        """Return what names the cases of a block: row number (from 1), the study's id, the moment of a question."""
        lines: dict[str, np.ndarray] = {"row": block.first + 1 + np.arange(len(block))}
        identity = self.contents.about["roles"]["id"]
        if identity in block.columns:
            lines[identity] = np.array(block.rows.column(identity).to_pylist(), object)
        if self.contents.about.get("question") and PREDICTION in block.columns:
            lines[PREDICTION] = cohorts.moments(block)
        return lines

    @property
    def facts(self) -> dict[str, Mapping[str, Any]]:
        """What was measured of the training rows, by input and for the target."""
        return dict(self.contents.state.part("facts").values)

    def explain(self, table: Any, **asked: Any) -> list[dict[str, Any]]:
        """Return what in each case that is asked for speaks for its prediction, as explanation.json holds it.

        `case` ids, `row` numbers (from 1), `target` and `level` (a class), each one or several.
        """
        from osler.flows.explain import Asked, explained

        return explained(self, table, asked=Asked.of(**asked))

    def subject(self, source: Source) -> Subject:
        """Return what explanations run on: the members on the cases of `source`."""
        from osler.flows.explaining import Subject, stored_references

        return Subject.of(
            source, self.crews, blend=self.blend, task=self.task, info=self.info, state=self.output("test"),
            references=stored_references(self.contents.state.part("explain"), self.crews),
        )  # fmt: skip

    def raw(
        self, block: Table, *, columns: Mapping[str, Columns] | None = None, parts: Collection[str] = PARTS
    ) -> tuple[dict[str, np.ndarray], dict[int, Refusal]]:
        """Return raw outputs ("test" and `parts`) of the cases that are not refused, and the refusals by row.

        `columns` are the block's, where they were read already.
        """
        columns = self.columns(block) if columns is None else columns
        refusals = gathered_refusals(block, columns, {})
        rows = np.array([r for r in range(len(block)) if r not in refusals], np.int64)
        source = Source(self.modalities, columns, self.contents.plan, device=self.device)
        with threads(self.contents.plan):
            if len(rows) == 0:
                empty = np.empty((0, self.task.width(self.info)))
                return dict.fromkeys(("test", *parts), empty), refusals
            return raw_outputs(source, self.crews, self.blend, rows, parts=parts), refusals

    def outputs(self, columns: Mapping[str, Columns], rows: np.ndarray, *, parts: Collection[str]) -> dict[str, np.ndarray]:
        """Return raw outputs (rows, k) of `parts` for some cases of a block, none of them refused."""
        if not len(rows):
            return {part: np.empty((0, self.task.width(self.info))) for part in parts}
        source = Source(self.modalities, columns, self.contents.plan, device=self.device)
        with threads(self.contents.plan):
            return part_outputs(source, self.crews, rows, parts=parts)

    def columns(self, block: Table) -> dict[str, Columns]:
        """Return the inputs of a block as columns, with the bundle's reading decisions."""
        return {name: asked() for name, asked in self.asked(block, parts=PARTS).items()}

    def asked(self, block: Table, *, parts: Collection[str], truth: bool = False) -> dict[str, Asked]:
        """Return what is to be read of each input of a block: only the fields that the members `parts` need, and with the `truth`
        the marks that lie on the anchor's grid."""
        roles = ON_GRID if truth else WITH_BASELINE if "baseline" in parts else INPUTS
        aligned = self.contents.about["targets"] if truth else ()
        found = {}
        for asked in self.contents.about["inputs"]:
            modality = self.modalities[asked["name"]]
            options = {**asked["options"], **self.moved.get(asked["name"], {})}
            with told(asked["name"], modality):
                marks = aligned if asked["name"] == self.anchor else ()
                locators = modality.locate(block, columns=asked["columns"], aligned=marks, options=options, cache=self.cache)
            found[asked["name"]] = Asked(modality, locators, self.reading(asked["name"]), roles)
        return found

    def streamed(
        self, blocks: Iterable[Table], *, parts: Collection[str] = PARTS, truth: bool = False
    ) -> Iterator[tuple[Table, dict[str, Columns]]]:
        """Yield each block with its columns; the next block is read meanwhile where reading takes long. `truth` as in `asked`."""
        return read_ahead(
            ((block, self.asked(block, parts=parts, truth=truth)) for block in blocks),
            workers=self.workers or processors(),
        )

    @property
    def block_cases(self) -> int:
        """How many cases are predicted at a time, so that memory stays bounded."""
        inputs = ((modality, self.reading(name)) for name, modality in self.modalities.items())
        if self.anchor is None or not self.task.listed:
            return block_cases(inputs) if self.anchor is None else grid_cases(inputs)
        return min(LISTED, block_cases(inputs))

    def reading(self, name: str) -> dict[str, Any]:
        """Return the bundle's decisions on how input `name` is read."""
        return dict(self.contents.plan.part(f"inputs.{name}"))

    def output(self, part: str) -> State:
        """Return the calibration and thresholds of "test", "network" or "baseline"."""
        return self.contents.state.part(f"output.{part}")

    def _repr_html_(self) -> str:
        about = self.contents.about
        rows = {
            "bundle": self.name,
            "task": f"{about['task']} of {', '.join(about['targets'])}",
            "inputs": ", ".join(f"{i['name']} ({i['modality']}, {len(i['columns'])} columns)" for i in about["inputs"]),
            "cases": ", ".join(f"{k} {v}" for k, v in about["counts"].items()),
            "network's share": f"{self.blend.network:.2f}",
        }
        lines = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in rows.items())
        return f"<table>{lines}</table>"


def load(bundle: Path | str, *, device: str | None = None, sources: Sources = NONE) -> Predictor:
    """Return the predictor in the folder `bundle`; raises BundleError where it is damaged or foreign, RequestError where it does not
    predict.

    `sources` names by input where its events lie, where it is elsewhere than in training: a file, a folder, the address of a database.
    """
    folder = Path(bundle)
    contents = read_bundle(folder)
    check_predicts(contents, folder.name)
    try:
        about = contents.about
        modalities = {i["name"]: registry.modality(i["modality"]) for i in about["inputs"]}
        task = registry.task(about["task"])
        place = chosen_device(device)
        crews = tuple(_crew(contents, n, modalities=modalities, task=task, device=place) for n in range(about["crews"]))
        share = Blend(float(about["blend"]["network"]))
        return Predictor(folder.name, contents, task, modalities, crews, share, place, moved=moved(sources, modalities))
    except OslerError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise BundleError(
            f"the bundle's parts do not fit together ({type(error).__name__}); it was not written by Osler"
        ) from None


def check_predicts(contents: Contents, name: str) -> None:
    """Raise RequestError for a bundle of a task that makes or represents, with the command that it is for."""
    task = str(contents.about.get("task"))
    if task in registry.MAKERS:
        verb = registry.maker(task).verb
        raise RequestError(f"the bundle {name} is of the task '{task}' and predicts nothing; use it with 'osler {verb}'")


def _crew(contents: Contents, number: int, *, modalities: Mapping[str, Modality], task: Task, device: str) -> Crew:
    import torch

    states = {name: contents.state.part(f"fold{number}.inputs.{name}") for name in modalities}
    networks = []
    for turn in range(contents.about["networks"]):
        member = NetworkMember.built(
            modalities=modalities, task=task, info=contents.about["target"], states=states, plan=contents.plan, seed=0
        )
        arrays = taken(contents.weights, f"fold{number}.network{turn}")
        member.network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in arrays.items()})
        member.network.to(device).eval()
        networks.append(member)
    return Crew(states, tuple(networks), task.restore(contents.baselines[f"fold{number}"]))


def ending(columns: Mapping[str, Columns], refusals: Mapping[int, Refusal]) -> dict[str, np.ndarray]:
    """Return why cases of a block were refused; of several inputs also those that each prediction was made without."""
    cases = len(next(iter(columns.values())))
    told = {"refused": np.array([refusals[r].whole if r in refusals else "" for r in range(cases)], object)}
    return told | ({"without": lacking(columns, refusals)} if len(columns) > 1 else {})


def lacking(columns: Mapping[str, Columns], refusals: Mapping[int, Refusal]) -> np.ndarray:
    """Return (n,) the inputs that each case lacks, with the reason where one could not be read; nothing where the case is refused
    or has all."""
    here = np.stack([part.present for part in columns.values()])
    told = np.full(here.shape[1], "", object)
    for row in np.flatnonzero(~here.all(axis=0)):
        if int(row) not in refusals:
            gone = [name for name, there in zip(columns, here[:, row], strict=True) if not there]
            told[row] = "; ".join(_named(name, columns[name].refusals.get(int(row))) for name in gone)
    return told


def _named(name: str, why: Refusal | None) -> str:
    return name if why is None else f"{name} ({why.whole})"


def _spread(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return `values` of the kept rows among all rows: NaN, or None, where a row was refused."""
    if kept.all():
        return values
    floating = values.dtype.kind in "fiu"
    out: np.ndarray = np.full(len(kept), np.nan) if floating else np.full(len(kept), None, object)
    out[kept] = values
    return out
