"""What members say of cases that they were not trained on: raw outputs to settle by, statistics to score by.

A vector task has one raw output per case. On a grid cases are streamed one by one: sampled positions stand for them where
blend and calibration are chosen, and each case leaves a line of statistics.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from osler.contract import Task
from osler.core.processors import processors
from osler.core.split import Split
from osler.core.state import State
from osler.core.target import Target
from osler.flows import grid
from osler.flows.crew import PARTS, Crew
from osler.flows.members import crew_raw
from osler.spine.evaluate import statistics_of
from osler.spine.fit import Source
from osler.spine.output import Blend, combine

# crews and pieces of the rows side by side, each on one thread: threads inside one small network wait for each other (measured on two busy cores:
# 12,000 rows 0.6 s with one thread, 3.3 s with two)
MANY = 5_000  # cases worth it


@dataclass(frozen=True, slots=True)
class Unseen:
    """Lines that no member was trained on: `rows` (m,) the case of each, `raws` (m, k) by part, their `target`."""

    rows: np.ndarray
    raws: Mapping[str, np.ndarray]
    target: Target

    def of(self, rows: np.ndarray) -> Unseen:
        """Return the lines of the cases `rows`."""
        kept = np.isin(self.rows, rows)
        return Unseen(self.rows[kept], {k: r[kept] for k, r in self.raws.items()}, self.target.take(np.flatnonzero(kept)))


def unseen(source: Source, split: Split, crews: tuple[Crew, ...], *, seed: int) -> Unseen:
    """Return the held-out lines of every fold (tune rows too without cross-fitting: they only chose when to stop)."""
    assert source.target is not None
    rows = held_rows(split)
    if source.anchor is None:
        parts = [crew_raw(crew, source, r) for crew, r in zip(crews, rows, strict=True)]
        whole = np.concatenate(rows)
        return Unseen(whole, {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}, source.target.take(whole))
    sampled = [grid.sampled(source, crew, r, seed=seed) for crew, r in zip(crews, rows, strict=True)]
    raws = {k: np.concatenate([s[1][k] for s in sampled]) for k in sampled[0][1]}
    targets = [s[2] for s in sampled]
    target = Target(np.concatenate([t.values for t in targets]), np.concatenate([t.observed for t in targets]), targets[0].info)
    return Unseen(np.concatenate([s[0] for s in sampled]), raws, target)


def held_rows(split: Split) -> list[np.ndarray]:
    """Return for each fold the rows that its members were not trained on."""
    return [fold.held if split.crossfitted else np.concatenate([fold.tune, fold.held]) for fold in split.folds]


def raw_outputs(
    source: Source, crews: tuple[Crew, ...], blend: Blend, rows: np.ndarray, *, parts: Collection[str] = PARTS
) -> dict[str, np.ndarray]:
    """Return raw outputs (rows, k) of what the bundle predicts with ("test"), and of `parts`: all that have a share must be
    among them."""
    raws = part_outputs(source, crews, rows, parts=parts)
    return {"test": combine(raws, blend), **raws}


def part_outputs(source: Source, crews: tuple[Crew, ...], rows: np.ndarray, *, parts: Collection[str]) -> dict[str, np.ndarray]:
    """Return raw outputs (rows, k) of `parts`, each the mean over crews."""
    pieces = _pieces(rows, size=source.plan["fit.predict_batch"])
    with ThreadPoolExecutor(processors() if len(rows) >= MANY else 1) as pool:
        jobs = [[pool.submit(crew_raw, crew, source, piece, parts=parts) for piece in pieces] for crew in crews]
        found = [[job.result() for job in of_crew] for of_crew in jobs]
    return {name: np.mean([np.concatenate([piece[name] for piece in of_crew]) for of_crew in found], axis=0) for name in parts}


def _pieces(rows: np.ndarray, *, size: int) -> list[np.ndarray]:
    """Cut rows for as many workers as there are processors, at the ends of batches, so that nothing depends on their number."""
    if len(rows) < MANY:
        return [rows]
    step = size * math.ceil(len(rows) / size / processors())
    return [rows[start : start + step] for start in range(0, len(rows), step)]


def statistics(
    source: Source, crews: tuple[Crew, ...], blend: Blend, rows: np.ndarray, *, task: Task, states: Mapping[str, State]
) -> dict[str, np.ndarray]:
    """Return (rows, s) by part: all that the measures need of each case."""
    assert source.target is not None
    if source.anchor is None:
        raws = raw_outputs(source, crews, blend, rows)
        return statistics_of(task, raws, source.target.take(rows), states=states, plan=source.plan)
    return grid.statistics(source, crews, blend, rows, task=task, states=states)
