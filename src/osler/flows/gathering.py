"""What a bundle says of the rows of a table, gathered block by block, with all that scoring needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from osler.core.columns import Columns
from osler.core.drift import Drift
from osler.core.errors import Refusal, StudyError, did_you_mean
from osler.core.table import Table
from osler.core.target import Target
from osler.core.watch import Watch
from osler.flows import importance
from osler.flows.adding import added, counted
from osler.flows.cases import gathered_refusals, most_common
from osler.flows.cohorts import Derived
from osler.flows.members import PARTS
from osler.flows.opening import in_memory
from osler.flows.painting import judged_lines
from osler.flows.predictor import Predictor
from osler.flows.sample import Lot, Sample
from osler.flows.screening import as_trained
from osler.spine.drift import Sums
from osler.spine.scan import column_values, rows_about, target_columns

COMPARED = (
    100_000  # about so many of very many cases tell network and baseline apart: the standard error of an AUROC is then below .002
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was gathered of the new cases: `rows` their numbers in the table (from 0), raw outputs, target, group labels, columns to
    tell subgroups by, and refusals. Of a target on a grid there are no raw outputs, but by part the `lines` (n, s) of statistics
    that each case left. Of a part that has no share in the prediction, outputs are there for the cases `compared` alone
    (None: for all). `sample` holds the inputs of some of them, and `places` which these are among the cases with
    raw outputs. `drift` tells how they differ from training, `inputs` how many have each."""

    rows: np.ndarray
    raws: Mapping[str, np.ndarray]
    compared: np.ndarray | None
    target: Target
    groups: np.ndarray | None
    refusals: Mapping[int, Refusal]
    cases: int
    subgroups: Mapping[str, np.ndarray]
    sample: Mapping[str, Columns]
    places: np.ndarray
    drift: Drift
    inputs: Mapping[str, Mapping[str, Any]]
    lines: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a bundle says of a block: the places `rows` (m,) that can be scored, their `target`, and all `refusals`; raw outputs by part,
    or of a target on a grid the lines of statistics."""

    rows: np.ndarray
    target: Target
    refusals: Mapping[int, Refusal]
    raws: Mapping[str, np.ndarray] = field(default_factory=dict)
    lines: Mapping[str, np.ndarray] = field(default_factory=dict)


def gathered(
    predictor: Predictor, table: Path | Derived, watch: Watch, *, subgroups: tuple[str, ...] = (),
    beside: Literal["all", "some", "none"] = "some",
) -> Seen:  # fmt: skip
    """Return what `predictor` says of the rows of `table` that can be scored, block by block; raises StudyError.

    `beside` tells for which cases a part without a share is computed: all, a random part of very many, or none.
    """
    on_grid = predictor.anchor is not None
    always = PARTS if beside == "all" else predictor.blend.parts
    others = tuple(part for part in PARTS if part not in always) if beside == "some" and not on_grid else ()
    about = table.flow.cases if isinstance(table, Derived) else rows_about(table) if others else None
    lot = Lot(COMPARED, about=about, seed=predictor.contents.about["seed"])
    gathering = _Gathering(predictor, always=always, others=others, lot=lot, subgroups=subgroups, alone=beside == "none")
    for block, columns in predictor.streamed(_checked(predictor, table, subgroups=subgroups), truth=on_grid):
        gathering.add(block, columns)
        watch.advance(len(block))
    return gathering.seen()


class _Gathering:
    """What was seen so far: one entry per block in each list. `always` and `others` are the parts of the bundle that are computed
    for every case and for those of the `lot`."""

    def __init__(
        self, predictor: Predictor, *, always: Collection[str], others: tuple[str, ...], lot: Lot, subgroups: tuple[str, ...],
        alone: bool,
    ) -> None:  # fmt: skip
        about = predictor.contents.about
        self.predictor, self.always, self.others, self.lot = predictor, always, others, lot
        self.alone = alone  # on a grid: what the bundle predicts with, and nothing beside it
        self.group = about["roles"]["group"]
        self.told = tuple(dict.fromkeys((*about["roles"]["subgroups"], *subgroups)))
        self.raws: list[Mapping[str, np.ndarray]] = []
        self.lines: list[Mapping[str, np.ndarray]] = []
        self.drawn: list[dict[str, np.ndarray]] = []
        self.targets: list[Target] = []
        self.groups: list[np.ndarray] = []
        self.numbers: list[np.ndarray] = []
        self.parted: dict[str, list[np.ndarray]] = {}
        self.refusals: dict[int, Refusal] = {}
        self.inputs: dict[str, dict[str, Any]] = {}
        self.cases = 0
        self.sample = Sample(importance.CASES, seed=about["seed"])
        self.sums = Sums(predictor.modalities, predictor.facts, predictor.crews[0].states)

    def add(self, block: Table, columns: dict[str, Columns]) -> None:
        """Take up a block."""
        judge = self._of_vector if self.predictor.anchor is None else self._of_grid
        judged = judge(block, columns)
        rows = judged.rows
        self.raws.append(judged.raws)
        self.lines.append(judged.lines)
        if self.others:
            self.drawn.append(self.predictor.outputs(columns, rows[self.lot.draw(len(rows))], parts=self.others))
        self.targets.append(judged.target)
        self.numbers.append(block.first + rows)
        if self.group in block.columns:
            self.groups.append(_group_labels(block, self.group)[rows])
        for name in self.told:
            if name in block.columns:
                self.parted.setdefault(name, []).append(column_values(block, name)[rows])
        if self.predictor.anchor is None:  # what moves predictions is told of a sample; volumes are not kept
            self.sample.offer(columns, rows)
        self.sums.add(columns, rows)
        for name, one in counted(columns, rows).items():
            self.inputs[name] = added(self.inputs[name], one) if name in self.inputs else one
        self.refusals |= {block.first + r: why for r, why in judged.refusals.items()}
        self.cases += len(block)

    def _of_vector(self, block: Table, columns: dict[str, Columns]) -> Judged:
        raw, refused = self.predictor.raw(block, columns=columns, parts=self.always)
        plan = self.predictor.contents.plan.part("target")
        columns_of = target_columns(block, self.predictor.contents.about["targets"], qualifier=str(plan.get("qualifier", "")))
        target, unusable = self.predictor.task.target(columns_of, info=self.predictor.info, settings=plan)
        rows = np.array([r for r in range(len(block)) if r not in refused], np.int64)
        good = np.array([int(r) not in unusable for r in rows], bool)
        rows = rows[good]
        raws = {name: values[good] for name, values in raw.items()}
        return Judged(rows, target.take(rows), {**unusable, **refused}, raws)

    def _of_grid(self, block: Table, columns: dict[str, Columns]) -> Judged:
        task, info, names = self.predictor.task, self.predictor.info, self.predictor.contents.about["targets"]
        assert self.predictor.anchor is not None
        target, unusable = task.marked(columns[self.predictor.anchor], names=names, settings={}, info=info)
        refusals = gathered_refusals(block, columns, unusable, anchor=self.predictor.anchor)
        rows = np.array([r for r in range(len(block)) if r not in refusals], np.int64)
        return Judged(rows, target.take(rows), refusals, lines=judged_lines(self.predictor, columns, rows, alone=self.alone))

    def seen(self) -> Seen:
        """Return everything as one."""
        values, observed = (np.concatenate([getattr(t, name) for t in self.targets]) for name in ("values", "observed"))
        sides = [np.zeros(t.values.shape, np.int8) if t.side is None else t.side for t in self.targets]
        side = np.concatenate(sides) if any(t.side is not None for t in self.targets) else None
        target = Target(values, observed, self.predictor.info, side=side)
        if len(target) == 0:
            raise StudyError(f"no case can be scored: all {self.cases} rows are refused; {most_common(self.refusals)}")
        kept, compared = self.lot.kept()
        joined = _joined(self.raws)
        joined |= {name: np.concatenate([d[name] for d in self.drawn])[kept] for name in self.others}
        own = np.unique(np.concatenate(self.groups), return_inverse=True)[1] if self.groups else None
        facts = self.predictor.task.facts(target, np.arange(len(target)))
        before = self.predictor.facts["target"]
        sample, places = self.sample.taken()
        return Seen(
            rows=np.concatenate(self.numbers),
            raws=joined,
            compared=compared if self.others and len(compared) < len(target) else None,
            target=target,
            groups=own,
            refusals=self.refusals,
            cases=self.cases,
            subgroups={name: np.concatenate(parts) for name, parts in self.parted.items()},
            sample=sample,
            places=places,
            drift=self.sums.drift(before=before, now=facts, cases=len(target), target=target, groups=own),
            inputs=self.inputs,
            lines=_joined(self.lines),
        )


def _joined(parts: list[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the blocks of each name behind one another; blocks in which no case could be used have none."""
    held = [part for part in parts if part]
    return {name: np.concatenate([part[name] for part in held]) for name in (held[0] if held else ())}


def _checked(predictor: Predictor, table: Path | Derived, *, subgroups: tuple[str, ...]) -> Iterator[Table]:
    for block in as_trained(in_memory(table, size=predictor.block_cases), table, predictor=predictor):
        _check(predictor, block, subgroups=subgroups)
        yield block


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
