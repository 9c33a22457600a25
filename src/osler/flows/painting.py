"""New cases of a target on a grid, painted one after another, so that memory holds the marks of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osler.contract import Task
from osler.core.columns import Columns
from osler.core.errors import Refusal
from osler.core.marks import Painted
from osler.core.state import State
from osler.core.table import Table
from osler.core.target import Target
from osler.flows import grid
from osler.flows.cases import gathered_refusals
from osler.flows.crew import PARTS, Crew
from osler.flows.planning import threads
from osler.spine.fit import Source
from osler.spine.output import Blend, combine

if TYPE_CHECKING:
    from osler.flows.predictor import Predictor


@dataclass(frozen=True, slots=True)
class Painter:
    """What paints cases of a grid: the members with their blend, and the calibration `state` of what they say together."""

    task: Task
    crews: Sequence[Crew]
    blend: Blend
    state: State

    def __call__(self, source: Source, row: int, *, truth: bool) -> Painted:
        """Return what is made of case `row`, held against its `truth` where that was read; only parts with a share are computed."""
        with threads(source.plan):
            maps = grid.maps_of(self.crews, source, row, parts=self.blend.parts)
            return grid.painted(source, combine(maps, self.blend), row, task=self.task, state=self.state, truth=truth)


def painter_of(predictor: Predictor) -> Painter:
    """Return what paints with a bundle."""
    return Painter(predictor.task, predictor.crews, predictor.blend, predictor.output("test"))


def grid_source(predictor: Predictor, columns: Mapping[str, Columns]) -> Source:
    """Return new cases as a source whose anchor is a bundle's; their marks, where they were read, lie in its columns."""
    cases = len(next(iter(columns.values())))
    target = Target(np.empty((cases, 0)), np.empty((cases, 0), bool), predictor.info)
    return Source(predictor.modalities, columns, predictor.contents.plan, target, predictor.anchor, predictor.device)


def painted_block(
    predictor: Predictor, block: Table, columns: Mapping[str, Columns]
) -> tuple[Iterator[tuple[int, Painted]], dict[int, Refusal]]:
    """Return the cases of a block that can be painted, each by its place with what is made of it, and the refusals of the others."""
    refusals = gathered_refusals(block, columns, {}, anchor=predictor.anchor)
    source, painter = grid_source(predictor, columns), painter_of(predictor)
    rows = [row for row in range(len(block)) if row not in refusals]
    return ((row, painter(source, row, truth=False)) for row in rows), refusals


def judged_lines(predictor: Predictor, columns: Mapping[str, Columns], rows: np.ndarray, *, alone: bool) -> dict[str, np.ndarray]:
    """Return by part (rows, s) the statistics of cases with their marks: of "test" `alone`, or of every part beside it."""
    source, painter, lines = grid_source(predictor, columns), painter_of(predictor), list[dict[str, np.ndarray]]()
    states = {part: predictor.output(part) for part in ("test", *PARTS)}
    for row in rows:
        if alone:
            lines.append({"test": painter(source, int(row), truth=True).line})
            continue
        with threads(source.plan):
            found = grid.case_statistics(source, predictor.crews, predictor.blend, int(row), task=predictor.task, states=states)
        lines.append({part: one.line for part, one in found.items()})
    return {part: np.stack([one[part] for one in lines]) for part in lines[0]} if lines else {}


def cells_of(found: Mapping[int, Mapping[str, float]], *, cases: int) -> dict[str, np.ndarray]:
    """Return by column what the table of predictions says of `cases` cases, NaN of those that are not `found`."""
    names = dict.fromkeys(name for cells in found.values() for name in cells)
    columns = {name: np.full(cases, np.nan) for name in names}
    for row, cells in found.items():
        for name, value in cells.items():
            columns[name][row] = value
    return columns


def listed(found: Mapping[int, Painted], *, cases: int) -> dict[str, np.ndarray]:
    """Return the table's columns of predictions that are lists, (n,) object with None of cases that are not `found`, and of `cells_of`."""
    names = dict.fromkeys(name for painted in found.values() for name in painted.lists)
    columns = {name: np.full(cases, None, object) for name in names}
    for row, painted in found.items():
        for name, values in painted.lists.items():
            columns[name][row] = values
    return {**cells_of({row: painted.cells for row, painted in found.items()}, cases=cases), **columns}
