"""`osler evaluate`: a bundle on new data, the same scores and report."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.account import Account
from osler.core.drift import Drift
from osler.core.errors import OutputError, Refusal, StudyError, did_you_mean
from osler.core.scores import Scores
from osler.core.study import Input, Roles, Study
from osler.core.table import Table
from osler.core.target import Target
from osler.core.watch import SILENT, Watch
from osler.flows.cases import refused_counts
from osler.flows.freeze import versions
from osler.flows.predictor import Predictor, load
from osler.language import words
from osler.spine import sample_size
from osler.spine.drift import Sums
from osler.spine.evaluate import evaluate as evaluate_step
from osler.spine.report import write_card, write_report
from osler.spine.report.drift import drift_line
from osler.spine.scan import blocks, column_values


@dataclass(frozen=True, slots=True)
class Seen:
    """What was gathered of the new cases: raw outputs, target, group labels and refusals."""

    raws: Mapping[str, np.ndarray]
    target: Target
    groups: np.ndarray | None
    refusals: Mapping[int, Refusal]
    cases: int
    drift: Drift


def evaluate(
    bundle: Path | str, table: Path | str, *, out: Path | str, device: str | None = None, watch: Watch = SILENT
) -> Scores:
    """Score the bundle on the rows of `table` and write scores.json, report.html and card.md into the folder `out`."""
    bundle, table, out = Path(bundle), Path(table), Path(out)
    predictor = load(bundle, device=device)
    _check_place(out)
    watch.stage("predicting")
    seen = _gathered(predictor, table, watch)
    watch.stage("scoring")
    scores = evaluate_step(
        predictor.task,
        seen.raws,
        seen.target,
        states={part: predictor.output(part) for part in seen.raws},
        groups=seen.groups,
        plan=predictor.contents.plan,
        seed=predictor.contents.about["seed"],
    )
    account = _account(predictor, seen, scores)
    watch.say(drift_line(seen.drift, words("en")))
    _write(out, account)
    return scores


def _gathered(predictor: Predictor, table: Path, watch: Watch) -> Seen:
    raws: list[dict[str, np.ndarray]] = []
    targets: list[Target] = []
    groups: list[np.ndarray] = []
    refusals: dict[int, Refusal] = {}
    cases = 0
    group = predictor.contents.about["roles"]["group"]
    sums = Sums(predictor.modalities, predictor.facts, predictor.crews[0].states)
    for block in blocks(table):
        _check(predictor, block)
        columns = predictor.columns(block)
        raw, refused = predictor.raw(block, columns=columns)
        target, unusable = predictor.task.target(_target_columns(predictor, block), info=predictor.info)
        rows = np.array([r for r in range(len(block)) if r not in refused], np.int64)
        good = np.array([int(r) not in unusable for r in rows], bool)
        sums.add(columns, rows[good])
        raws.append({name: values[good] for name, values in raw.items()})
        targets.append(target.take(rows[good]))
        if group in block.columns:
            groups.append(_group_labels(block, group)[rows[good]])
        refusals |= {block.first + r: why for r, why in {**unusable, **refused}.items()}
        cases += len(block)
        watch.advance(len(block))
    joined = {name: np.concatenate([r[name] for r in raws]) for name in raws[0]}
    target = Target(np.concatenate([t.values for t in targets]), np.concatenate([t.observed for t in targets]), predictor.info)
    if len(target) == 0:
        raise StudyError(f"no case can be scored: all {cases} rows are refused")
    numbers = np.unique(np.concatenate(groups), return_inverse=True)[1] if groups else None
    told = predictor.task.facts(target, np.arange(len(target)))
    return Seen(
        joined, target, numbers, refusals, cases, sums.drift(before=predictor.facts["target"], now=told, cases=len(target))
    )


def _group_labels(block: Table, group: str) -> np.ndarray:
    """Return (n,) object; a row without a group is its own, as in training."""
    values = column_values(block, group)
    missing = [v is None or v != v for v in values]  # noqa: PLR0124 - NaN differs from itself
    pairs = enumerate(zip(values, missing, strict=True))
    return np.array([f"row {block.first + r}" if lacks else f"group {v}" for r, (v, lacks) in pairs], object)


def _check(predictor: Predictor, block: Table) -> None:
    missing = [t for t in predictor.contents.about["targets"] if t not in block.columns]
    if missing:
        raise StudyError([f"no column '{t}' to score against{did_you_mean(t, block.columns)}" for t in missing])


def _target_columns(predictor: Predictor, block: Table) -> dict[str, np.ndarray]:
    return {name: column_values(block, name) for name in predictor.contents.about["targets"]}


def _account(predictor: Predictor, seen: Seen, scores: Scores) -> Account:
    about = predictor.contents.about
    inputs = tuple(Input(i["name"], i["modality"], tuple(i["columns"]), i["options"]) for i in about["inputs"])
    roles = Roles(id=about["roles"]["id"], group=about["roles"]["group"])
    study = Study(
        Path(), Path(), tuple(about["targets"]), about["task"], inputs, roles, title=about["title"], language=about["language"]
    )
    counts = {"test": len(seen.target), "refused": len(seen.refusals), "cases": seen.cases}
    now = predictor.task.facts(seen.target, np.arange(len(seen.target)))
    return Account(
        study, predictor.contents.plan, scores, predictor.info, predictor.facts,
        split="new data: none of these cases was seen in training", counts=counts,
        refused=refused_counts(seen.refusals.values()), versions=versions(), drift=seen.drift,
        sample=sample_size.judged(before=None, now=now, values=scores.test, parameters=None),
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
    documents: dict[str, Any] = {
        "scores.json": json.dumps(account.numbers(), indent=1, ensure_ascii=False),
        "report.html": write_report(account),
        "card.md": write_card(account),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in documents.items():
            (out / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write into '{out.name}': {error.strerror}; choose another --out") from None
