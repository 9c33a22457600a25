"""What a bundle says of the rows of a table, gathered block by block, with all that scoring needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from osler.core.columns import Columns
from osler.core.drift import Drift
from osler.core.errors import Refusal, StudyError, did_you_mean
from osler.core.table import Table
from osler.core.target import Target
from osler.core.watch import Watch
from osler.flows import importance
from osler.flows.cases import most_common
from osler.flows.predictor import Predictor
from osler.flows.sample import Sample
from osler.spine.drift import Sums
from osler.spine.scan import blocks, column_values


@dataclass(frozen=True, slots=True)
class Seen:
    """What was gathered of the new cases: `rows` their numbers in the table (from 0), raw outputs, target, group labels, columns to
    tell subgroups by, and refusals. `sample` holds the inputs of some of them, and `places` which these are among the cases with
    raw outputs. `drift` tells how they differ from training."""

    rows: np.ndarray
    raws: Mapping[str, np.ndarray]
    target: Target
    groups: np.ndarray | None
    refusals: Mapping[int, Refusal]
    cases: int
    subgroups: Mapping[str, np.ndarray]
    sample: Mapping[str, Columns]
    places: np.ndarray
    drift: Drift


def gathered(predictor: Predictor, table: Path, watch: Watch, *, subgroups: tuple[str, ...] = ()) -> Seen:
    """Return what `predictor` says of the rows of `table` that can be scored, block by block; raises StudyError."""
    raws: list[dict[str, np.ndarray]] = []
    targets: list[Target] = []
    groups: list[np.ndarray] = []
    refusals: dict[int, Refusal] = {}
    numbers: list[np.ndarray] = []
    cases = 0
    group = predictor.contents.about["roles"]["group"]
    parted: dict[str, list[np.ndarray]] = {}
    sample = Sample(importance.CASES, seed=predictor.contents.about["seed"])
    sums = Sums(predictor.modalities, predictor.facts, predictor.crews[0].states)
    for block in blocks(table):
        _check(predictor, block, subgroups=subgroups)
        columns = predictor.columns(block)
        raw, refused = predictor.raw(block, columns=columns)
        target, unusable = predictor.task.target(_target_columns(predictor, block), info=predictor.info)
        rows = np.array([r for r in range(len(block)) if r not in refused], np.int64)
        good = np.array([int(r) not in unusable for r in rows], bool)
        raws.append({name: values[good] for name, values in raw.items()})
        targets.append(target.take(rows[good]))
        numbers.append(block.first + rows[good])
        if group in block.columns:
            groups.append(_group_labels(block, group)[rows[good]])
        for name in dict.fromkeys((*predictor.contents.about["roles"]["subgroups"], *subgroups)):
            if name in block.columns:
                parted.setdefault(name, []).append(column_values(block, name)[rows[good]])
        sample.offer(columns, rows[good])
        sums.add(columns, rows[good])
        refusals |= {block.first + r: why for r, why in {**unusable, **refused}.items()}
        cases += len(block)
        watch.advance(len(block))
    joined = {name: np.concatenate([r[name] for r in raws]) for name in raws[0]}
    target = Target(np.concatenate([t.values for t in targets]), np.concatenate([t.observed for t in targets]), predictor.info)
    if len(target) == 0:
        raise StudyError(f"no case can be scored: all {cases} rows are refused; {most_common(refusals)}")
    own = np.unique(np.concatenate(groups), return_inverse=True)[1] if groups else None
    told = {name: np.concatenate(parts) for name, parts in parted.items()}
    facts = predictor.task.facts(target, np.arange(len(target)))
    drift = sums.drift(before=predictor.facts["target"], now=facts, cases=len(target), target=target, groups=own)
    return Seen(np.concatenate(numbers), joined, target, own, refusals, cases, told, *sample.taken(), drift)


def _group_labels(block: Table, group: str) -> np.ndarray:
    """Return (n,) object; a row without a group is its own, as in training."""
    values = column_values(block, group)
    missing = [v is None or v != v for v in values]  # noqa: PLR0124 - NaN differs from itself
    pairs = enumerate(zip(values, missing, strict=True))
    return np.array([f"row {block.first + r}" if lacks else f"group {v}" for r, (v, lacks) in pairs], object)


def _check(predictor: Predictor, block: Table, *, subgroups: tuple[str, ...]) -> None:
    targets = predictor.contents.about["targets"]
    faults = [f"no column '{t}' to score against{did_you_mean(t, block.columns)}" for t in targets if t not in block.columns]
    faults += [
        f"no column '{s}' to tell subgroups by{did_you_mean(s, block.columns)}" for s in subgroups if s not in block.columns
    ]
    faults += [f"'{s}' is the target; scores within its own values say nothing" for s in subgroups if s in targets]
    if faults:
        raise StudyError(faults)


def _target_columns(predictor: Predictor, block: Table) -> dict[str, np.ndarray]:
    return {name: column_values(block, name) for name in predictor.contents.about["targets"]}
