"""Targets on a grid: cases are streamed one by one, and sampled positions stand for them where a matrix is needed."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.features import Features
from osler.core.marks import MarkedCase, Painted
from osler.core.state import State
from osler.core.target import Target
from osler.flows.crew import PARTS, Crew
from osler.spine.fit import Source
from osler.spine.output import Blend, combine

POSITIONS = 1 << 18  # of all cases together: enough for a baseline, a blend and a calibration
# whole cases by which post-processing and the better part are chosen: of large ones, of small ones, and the places that small ones have
LARGE, SMALL, MOST_PLACES = 24, 256, 1 << 26
Maps = dict[str, np.ndarray]  # part → raw map (k, stored grid)


def baseline_positions(source: Source, rows: np.ndarray, *, states: Mapping[str, State], seed: int) -> tuple[Features, Target]:
    """Return the anchor's features at sampled positions of `rows` and the target there, one line each."""
    assert source.anchor is not None
    generator = np.random.default_rng([seed, 3])
    modality, columns = source.modalities[source.anchor], source.columns[source.anchor]
    features = modality.baseline_features(columns, rows, state=states[source.anchor], at="grid", generator=generator)
    if len(features.matrix) > POSITIONS:
        keep = np.sort(generator.choice(len(features.matrix), POSITIONS, replace=False))
        assert features.places is not None
        features = replace(
            features, matrix=features.matrix[keep], positions=features.positions[keep], places=features.places[keep]
        )
    return features, positions_target(source, rows, features)


def positions_target(source: Source, rows: np.ndarray, features: Features) -> Target:
    """Return the target (m, channels) at the positions of `features`."""
    assert source.target is not None
    assert source.anchor is not None
    assert features.places is not None
    columns = source.columns[source.anchor]
    field = columns.field(columns.names("target")[0])
    values: np.ndarray | None = None
    for turn, row in enumerate(rows):
        lines = np.flatnonzero(features.positions == turn)
        places = int(np.prod(source.modalities[source.anchor].stored(columns, int(row))))
        whole = np.asarray(columns[field.name][int(row)]).reshape(-1, places)
        values = np.zeros((len(features.positions), len(whole))) if values is None else values
        values[lines] = whole[:, features.places[lines]].T
    values = np.zeros((0, 1)) if values is None else values
    observed = ~np.isnan(values) if field.unmarked is None else values != field.unmarked
    return Target(values, observed, source.target.info)


def crew_maps(crew: Crew, source: Source, row: int, *, parts: Collection[str] = PARTS) -> Maps:
    """Return the raw maps (k, stored grid) of one case by the networks' mean and by the baseline, as `parts` asks."""
    found: Maps = {}
    if "network" in parts:
        found["network"] = _mean(member.raw_map(source, row) for member in crew.networks)
    if "baseline" in parts:
        found["baseline"] = _baseline_map(crew, source, row)
    return found


def maps_of(crews: Sequence[Crew], source: Source, row: int, *, parts: Collection[str] = PARTS) -> Maps:
    """Return the raw maps of one case by part, each the mean over crews."""
    return {name: _mean(crew_maps(crew, source, row, parts=(name,))[name] for crew in crews) for name in parts}


def _mean(maps: Iterable[np.ndarray]) -> np.ndarray:
    """Return the mean, in place of the first: of a whole CT a map takes more than a gigabyte, and two are held at once."""
    each = iter(maps)
    total, count = next(each), 1
    for one in each:
        total += one
        count += 1
        del one  # before the next is made
    return total if count == 1 else np.divide(total, count, out=total)


def _baseline_map(crew: Crew, source: Source, row: int) -> np.ndarray:
    assert source.anchor is not None
    modality, columns = source.modalities[source.anchor], source.columns[source.anchor]
    features = modality.baseline_features(columns, np.array([row]), state=crew.states[source.anchor], at="grid")
    shape = modality.stored(columns, row)
    coarse = [-(-side // features.stride) for side in shape]
    raw = crew.baseline.raw(features.matrix).T.reshape(-1, *coarse).astype(np.float32)
    for axis in range(len(shape)) if features.stride > 1 else ():
        raw = raw.repeat(features.stride, axis=axis + 1)
    return raw[:, *(slice(side) for side in shape)]


def marked_case(source: Source, raw: np.ndarray, row: int, *, truth: bool = True, group: int | None = None) -> MarkedCase:
    """Return case `row`, of `group`, with the raw map (k, stored grid) on its own grid, with its `truth` where that was read."""
    assert source.anchor is not None
    modality, columns = source.modalities[source.anchor], source.columns[source.anchor]
    slabs = partial(modality.restored, raw, columns, row)
    return MarkedCase(slabs, modality.grid(columns, row), modality.truth(columns, row) if truth else None, group)


def painted(source: Source, raw: np.ndarray, row: int, *, task: Task, state: State, truth: bool = True) -> Painted:
    """Return what the task makes of the raw map of case `row`."""
    assert source.target is not None
    case = marked_case(source, raw, row, truth=truth)
    return task.paint(case, state=state, info=source.target.info, plan=source.plan)


def polished(
    source: Source,
    held: Sequence[tuple[Crew, np.ndarray]],
    part: str,
    *,
    task: Task,
    state: State,
    blend: Blend,
    groups: np.ndarray,
) -> State:
    """Return the part's `state` with what the task chooses by whole cases that their crew was not trained on."""
    assert source.target is not None
    codes = np.unique(groups, return_inverse=True)[1].reshape(-1)

    def cases() -> Iterator[MarkedCase]:
        for crew, row in _spread(source, held):
            maps = crew_maps(crew, source, row, parts=blend.parts if part == "test" else (part,))
            raw = combine(maps, blend) if part == "test" else maps[part]
            yield marked_case(source, raw, row, group=int(codes[row]))

    return task.polish(cases(), state=state, info=source.target.info, plan=source.plan)


def better(
    source: Source, held: Sequence[tuple[Crew, np.ndarray]], *, task: Task, states: Mapping[str, State], groups: np.ndarray
) -> Blend:
    """Return the part, network or baseline, whose marks of whole cases that their crew was not trained on have the better primary
    measure, slices of a group together; the network where no difference is seen.

    The loss of single places, by which vector tasks choose, is another thing: a network trained for overlap is too sure of itself.
    """
    assert source.target is not None
    some = _spread(source, held)
    if not some:
        return Blend(1.0)
    lines: dict[str, list[np.ndarray]] = {part: [] for part in PARTS}
    for crew, row in some:
        for part, raw in crew_maps(crew, source, row).items():
            lines[part].append(painted(source, raw, row, task=task, state=states[part]).line)
    info, rows = source.target.info, [row for _, row in some]
    whole = {part: task.pooled(np.stack(found), groups[rows], info=info)[0] for part, found in lines.items()}
    primary = task.measured(info)[0]
    values = {part: _value(task, found, primary.name, info=info) for part, found in whole.items()}
    gain = values["baseline"] - values["network"]
    return Blend(0.0 if (gain if primary.better == "higher" else -gain) > 0 else 1.0)


def _value(task: Task, lines: np.ndarray, name: str, *, info: Mapping[str, Any]) -> float:
    return float(task.measures(lines, np.ones((1, len(lines)), np.int64), info=info)[name][0])


def _spread(source: Source, held: Sequence[tuple[Crew, np.ndarray]]) -> list[tuple[Crew, int]]:
    """Return which cases of each crew are looked at whole: as many as are quickly painted, evenly spread."""
    assert source.anchor is not None
    found = []
    for crew, rows in held:
        if len(rows):
            places = math.prod(source.modalities[source.anchor].stored(source.columns[source.anchor], int(rows[0])))
            most = max(1, min(SMALL, max(LARGE, MOST_PLACES // max(1, places))) // len(held))
            some = rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)]
            found += [(crew, int(row)) for row in some]
    return found


def statistics(
    source: Source, crews: Sequence[Crew], blend: Blend, rows: np.ndarray, *, task: Task, states: Mapping[str, State]
) -> dict[str, np.ndarray]:
    """Return (rows, s) by part: all that the measures need of each case."""
    lines: dict[str, list[np.ndarray]] = {}
    for row in rows:
        for name, one in case_statistics(source, crews, blend, int(row), task=task, states=states).items():
            lines.setdefault(name, []).append(one.line)
    return {name: np.stack(found) for name, found in lines.items()}


def case_statistics(
    source: Source, crews: Sequence[Crew], blend: Blend, row: int, *, task: Task, states: Mapping[str, State]
) -> dict[str, Painted]:
    """Return by part ("test", "network", "baseline") what is made of one case; a part that alone predicts is painted once."""
    maps = maps_of(crews, source, row)
    own = {name: painted(source, raw, row, task=task, state=states[name]) for name, raw in maps.items()}
    alone = blend.parts[0] if len(blend.parts) == 1 else None
    test = own[alone] if alone else painted(source, combine(maps, blend), row, task=task, state=states["test"])
    return {"test": test, **own}


def sampled(source: Source, crew: Crew, rows: np.ndarray, *, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray], Target]:
    """Return sampled positions of `rows`: the case of each, raw outputs (m, k) by part, the target there."""
    features, target = baseline_positions(source, rows, states=crew.states, seed=seed)
    assert features.places is not None
    raws = {"baseline": crew.baseline.raw(features.matrix)}
    raws["network"] = np.zeros_like(raws["baseline"])
    for turn, row in enumerate(rows):
        lines = np.flatnonzero(features.positions == turn)
        maps = crew_maps(crew, source, int(row), parts=("network",))["network"]
        raws["network"][lines] = maps.reshape(len(maps), -1)[:, features.places[lines]].T
    return rows[features.positions], raws, target
