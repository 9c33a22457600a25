"""What each input adds to a bundle's predictions: its test cases with all inputs, and with one withheld.

An input that is withheld is treated as one that a case lacks, which training prepared for: this tells what a prediction loses
where the input is missing. A model that was trained without it might do better.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.columns import Columns
from osler.core.state import State
from osler.core.target import Target
from osler.flows.cases import refused_counts
from osler.flows.crew import Crew
from osler.flows.importance import sampled
from osler.flows.judging import raw_outputs
from osler.flows.planning import threads
from osler.spine.evaluate import statistics_of
from osler.spine.evaluate.gains import RESAMPLES, gained
from osler.spine.fit import Source
from osler.spine.output import Blend

MOST = 5_000  # cases: more narrow a paired interval little
FEWEST = 10  # cases from which anything is told
CHUNK = 512  # cases predicted between two looks at the clock
PARTS = {"test": "bundle", "network": "network", "baseline": "baseline"}


@dataclass(frozen=True, slots=True)
class Judged:
    """What was tested: a bundle's members with the calibration of each part, the cases `rows` of the source, and by line of
    these the `target`, the `groups` where they are known, and the `statistics` by part with all inputs."""

    crews: tuple[Crew, ...]
    blend: Blend
    states: Mapping[str, State]
    rows: np.ndarray
    target: Target
    groups: np.ndarray | None
    statistics: Mapping[str, np.ndarray]

    def take(self, lines: np.ndarray) -> Judged:
        """Return what was tested of some lines."""
        groups = None if self.groups is None else self.groups[lines]
        statistics = {part: one[lines] for part, one in self.statistics.items()}
        return replace(self, rows=self.rows[lines], target=self.target.take(lines), groups=groups, statistics=statistics)


def what_inputs_add(
    source: Source, judged: Judged, *, task: Task, seconds: float, seed: int, counts: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what scores.json holds under "inputs": of each input its gain, on the cases that have it beside another.

    `counts` tells of each input how many cases have it, lack it, or have one that cannot be read. The work ends with its
    `seconds`: each input gets its share and as many cases, at random, as there is time for. Nothing with one input, nor of a
    target on a grid.
    """
    if len(source.modalities) < 2 or source.anchor is not None or seconds <= 0:
        return {}
    observed = judged.target.observed.any(axis=1)
    here = np.stack([columns.present[judged.rows] for columns in source.columns.values()])
    began, rows = time.monotonic(), []
    for turn, name in enumerate(source.modalities):
        lines = np.flatnonzero(observed & here[turn] & (here.sum(axis=0) > 1))
        end = began + seconds * (turn + 1) / len(source.modalities)
        told = _told(source, judged.take(lines), name=name, task=task, end=end, seed=seed) if len(lines) >= FEWEST else {}
        rows.append({"name": name, **counts.get(name, {}), "cases": 0, "parts": {}, **told})
    return {"measure": task.measured(judged.target.info)[0].name, "resamples": RESAMPLES, "seconds": seconds, "rows": rows}


def counted(columns: Mapping[str, Columns], rows: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return of each input how many of the cases `rows` have it, how many lack it, and why it could not be read in some of these."""
    found = {}
    for name, one in columns.items():
        present = int(one.present[rows].sum())
        reasons = refused_counts(one.refusals[row] for row in rows.tolist() if row in one.refusals) if one.refusals else {}
        found[name] = {"present": present, "absent": len(rows) - present, "unread": reasons}
    return found


def added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sum of two counts of an input."""
    reasons = {why: one["unread"].get(why, 0) + other["unread"].get(why, 0) for why in {**one["unread"], **other["unread"]}}
    return {**{name: one[name] + other[name] for name in ("present", "absent")}, "unread": reasons}


def withheld(source: Source, name: str) -> Source:
    """Return the source in which every case lacks the input `name`."""
    return replace(source, columns={**source.columns, name: source.columns[name].blank()})


def _told(source: Source, judged: Judged, *, name: str, task: Task, end: float, seed: int) -> dict[str, Any]:
    chosen = sampled(task.stratum(judged.target), most=MOST, seed=seed)
    order = np.random.default_rng([seed, 0xEA]).permutation(chosen)
    without, done = _without(withheld(source, name), judged, order, task=task, end=end)
    kept = judged.take(order[:done])
    pairs = {PARTS[part]: (kept.statistics[part], without[part]) for part in PARTS}
    return {"cases": done, "parts": gained(task, pairs, info=judged.target.info, groups=kept.groups, seed=seed)}


def _without(source: Source, judged: Judged, order: np.ndarray, *, task: Task, end: float) -> tuple[dict[str, np.ndarray], int]:
    """Return the statistics by part of the first lines of `order`, as many as there is time for, and their number."""
    found: list[dict[str, np.ndarray]] = []
    done = 0
    with threads(source.plan):
        while done < len(order) and (not found or time.monotonic() < end):
            part = judged.take(order[done : done + CHUNK])
            raws = raw_outputs(source, part.crews, part.blend, part.rows)
            found.append(statistics_of(task, raws, part.target, states=part.states, plan=source.plan))
            done += len(part.rows)
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}, done
