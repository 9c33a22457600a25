"""`osler evaluate`: a bundle on new data, the same scores and report."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.account import Account
from osler.core.columns import NO_WORDS, Columns
from osler.core.errors import OutputError, Refusal, StudyError, did_you_mean
from osler.core.scores import Scores
from osler.core.study import Input, Roles, Study
from osler.core.table import Table
from osler.core.target import Target
from osler.core.watch import SILENT, Watch
from osler.flows import importance
from osler.flows.cases import refused_counts
from osler.flows.freeze import versions
from osler.flows.planning import threads
from osler.flows.predictor import Predictor, load
from osler.spine.evaluate import score_statistics, statistics_of
from osler.spine.fit import Source
from osler.spine.report import documents_of
from osler.spine.scan import blocks, column_values

SECONDS = 10.0  # at most, for what moves predictions on the whole


@dataclass(frozen=True, slots=True)
class Seen:
    """What was gathered of the new cases: raw outputs, target, group labels, columns to tell subgroups by, and refusals. `sample`
    holds the inputs of some of them, and `places` which these are among the cases with raw outputs."""

    raws: Mapping[str, np.ndarray]
    target: Target
    groups: np.ndarray | None
    refusals: Mapping[int, Refusal]
    cases: int
    subgroups: Mapping[str, np.ndarray]
    sample: Mapping[str, Columns]
    places: np.ndarray


def evaluate(
    bundle: Path | str,
    table: Path | str,
    *,
    out: Path | str,
    subgroups: str | Sequence[str] = (),
    device: str | None = None,
    watch: Watch = SILENT,
) -> Scores:
    """Score the bundle on the rows of `table` and write scores.json, report.html, card.md and methods.md into the folder `out`.

    `subgroups` are columns by which the scores are told too, beside those of the study.
    """
    bundle, table, out = Path(bundle), Path(table), Path(out)
    predictor = load(bundle, device=device)
    _check_place(out)
    watch.stage("predicting")
    asked = (subgroups,) if isinstance(subgroups, str) else tuple(subgroups)
    seen = _gathered(predictor, table, watch, subgroups=asked)
    watch.stage("scoring")
    scores = _scored(predictor, seen)
    watch.stage("explaining")
    scores = replace(scores, explanation=_overall(predictor, seen))
    _write(out, _account(predictor, seen, scores))
    return scores


def _scored(predictor: Predictor, seen: Seen) -> Scores:
    task, info = predictor.task, predictor.info
    states = {part: predictor.output(part) for part in seen.raws}
    found = statistics_of(task, seen.raws, seen.target, states=states, plan=predictor.contents.plan)
    views, seed = task.views(state=states["test"], info=info), predictor.contents.about["seed"]
    scores = score_statistics(task, found, info=info, groups=seen.groups, seed=seed, views=views, subgroups=seen.subgroups)
    absent = [name for name in predictor.contents.about["roles"]["subgroups"] if name not in seen.subgroups]
    notes = (f"The table has no column '{name}': no subgroups of it are told." for name in absent)
    return replace(scores, notes=(*scores.notes, *notes))


def _gathered(predictor: Predictor, table: Path, watch: Watch, *, subgroups: tuple[str, ...]) -> Seen:
    raws: list[dict[str, np.ndarray]] = []
    targets: list[Target] = []
    groups: list[np.ndarray] = []
    refusals: dict[int, Refusal] = {}
    cases = 0
    group = predictor.contents.about["roles"]["group"]
    parted: dict[str, list[np.ndarray]] = {}
    sample = Sample(importance.CASES, seed=predictor.contents.about["seed"])
    for block in blocks(table):
        _check(predictor, block, subgroups=subgroups)
        read = predictor.columns(block)
        raw, refused = predictor.raw(block, columns=read)
        target, unusable = predictor.task.target(_target_columns(predictor, block), info=predictor.info)
        rows = np.array([r for r in range(len(block)) if r not in refused], np.int64)
        good = np.array([int(r) not in unusable for r in rows], bool)
        raws.append({name: values[good] for name, values in raw.items()})
        targets.append(target.take(rows[good]))
        if group in block.columns:
            groups.append(_group_labels(block, group)[rows[good]])
        for name in dict.fromkeys((*predictor.contents.about["roles"]["subgroups"], *subgroups)):
            if name in block.columns:
                parted.setdefault(name, []).append(column_values(block, name)[rows[good]])
        sample.offer(read, rows[good])
        refusals |= {block.first + r: why for r, why in {**unusable, **refused}.items()}
        cases += len(block)
        watch.advance(len(block))
    joined = {name: np.concatenate([r[name] for r in raws]) for name in raws[0]}
    target = Target(np.concatenate([t.values for t in targets]), np.concatenate([t.observed for t in targets]), predictor.info)
    if len(target) == 0:
        raise StudyError(f"no case can be scored: all {cases} rows are refused")
    numbers = np.unique(np.concatenate(groups), return_inverse=True)[1] if groups else None
    columns = {name: np.concatenate(parts) for name, parts in parted.items()}
    return Seen(joined, target, numbers, refusals, cases, columns, *sample.taken())


def _overall(predictor: Predictor, seen: Seen) -> dict[str, Any]:
    """Return what moves predictions on the whole, on a sample of the new cases."""
    if predictor.task.needs(predictor.info) == "map":
        return {}
    target = seen.target.take(seen.places)
    kept = np.flatnonzero(target.observed.any(axis=1))
    seconds = min(SECONDS, predictor.contents.plan.get("explain.seconds", SECONDS))
    if not len(kept) or seconds <= 0:
        return {}
    plan, columns = predictor.contents.plan, {name: c.take(kept) for name, c in seen.sample.items()}
    with threads(plan):
        return importance.explanation(
            predictor.subject(Source(predictor.modalities, columns, plan, device=predictor.device)), target.take(kept),
            groups=None if seen.groups is None else seen.groups[seen.places[kept]], seconds=seconds,
            seed=predictor.contents.about["seed"],
        )  # fmt: skip


class Sample:
    """A random sample of cases from blocks of which none is kept: each case draws a number, the lowest stay."""

    def __init__(self, most: int, *, seed: int) -> None:
        self.most, self.seen = most, 0
        self.generator = np.random.default_rng([seed, 0xE8])
        self.drawn, self.places = np.empty(0), np.empty(0, np.int64)
        self.columns: dict[str, Columns] = {}

    def offer(self, columns: Mapping[str, Columns], rows: np.ndarray) -> None:
        """Look at the cases `rows` of a block."""
        drawn = np.concatenate([self.drawn, self.generator.random(len(rows))])
        places = np.concatenate([self.places, self.seen + np.arange(len(rows))])
        kept = np.sort(np.argsort(drawn)[: self.most])
        old, new = kept[kept < len(self.drawn)], kept[kept >= len(self.drawn)] - len(self.drawn)
        # words would add up over blocks; the ones that are told come from the bundle
        fresh = {name: replace(c.take(rows[new]), words=NO_WORDS) for name, c in columns.items()}
        before = {name: c.take(old) for name, c in self.columns.items()}
        self.columns = {n: Columns.joined([before[n], c]) if n in before else c for n, c in fresh.items()}
        self.drawn, self.places, self.seen = drawn[kept], places[kept], self.seen + len(rows)

    def taken(self) -> tuple[dict[str, Columns], np.ndarray]:
        """Return the inputs of the sample, and which cases it holds (m,) among those that were looked at."""
        return self.columns, self.places


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


def _account(predictor: Predictor, seen: Seen, scores: Scores) -> Account:
    about = predictor.contents.about
    inputs = tuple(Input(i["name"], i["modality"], tuple(i["columns"]), i["options"]) for i in about["inputs"])
    roles = Roles(id=about["roles"]["id"], group=about["roles"]["group"], subgroups=tuple(seen.subgroups))
    study = Study(
        Path(), Path(), tuple(about["targets"]), about["task"], inputs, roles, title=about["title"], language=about["language"]
    )
    counts = {"test": len(seen.target), "refused": len(seen.refusals), "cases": seen.cases}
    facts = {name: predictor.contents.state.part(f"facts.{name}").values for name in ("target", *predictor.modalities)}
    return Account(
        study, predictor.contents.plan, scores, predictor.info, facts,
        split="new data; whether training saw any of these cases is not known", counts=counts,
        refused=refused_counts(seen.refusals.values()), versions=versions(),
    )  # fmt: skip


def _check_place(out: Path) -> None:
    """Raise OutputError before the work where the report could not be written after it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise OutputError(f"cannot write into '{out.name}': {error.strerror}; choose another --out") from None


def _write(out: Path, account: Account) -> None:
    documents = documents_of(account)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in documents.items():
            (out / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write into '{out.name}': {error.strerror}; choose another --out") from None
