"""What a trained split is worth on its test, and what moves its predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from osler.core.leak import Leak
from osler.core.scores import Scores
from osler.core.split import Split
from osler.core.watch import SILENT, Watch
from osler.flows import explaining, importance, planning
from osler.flows.adding import Judged, counted, what_inputs_add
from osler.flows.cases import Cases, subgroup_columns
from osler.flows.explaining import Subject
from osler.flows.fitting import Trained
from osler.flows.judging import statistics
from osler.flows.pooling import Together
from osler.spine.evaluate import score_statistics
from osler.spine.evaluate.clean import with_clean
from osler.spine.evaluate.nearness import figures as nearness_figures
from osler.spine.evaluate.withheld import withheld, without_few
from osler.spine.evaluate.yardsticks import Yardstick, with_yardsticks
from osler.spine.fit import Source
from osler.spine.leaks import touched


def score(
    source: Source, cases: Cases, split: Split, trained: Trained, *, leaks: Sequence[Leak] = (), watch: Watch = SILENT
) -> tuple[Scores, np.ndarray]:
    """Score the test split, once; return the scores and the statistics (n, s) of what the bundle predicts with, a line for each case.

    Where leaks touch some test cases, the others are scored apart too. Scores of fewer than five cases or groups are withheld.
    """
    watch.stage("scoring")
    with planning.threads(source.plan):
        found = statistics(source, trained.crews, trained.blend, split.test, task=cases.task, states=trained.states)
    info, seed = cases.target.info, cases.study.seed
    told = Together.of(cases.task, found, cases.groups[split.test] if cases.grouped else None, info=info)
    near = nearness(cases, split)
    columns = told.columns({**near, **subgroup_columns(cases, split.test)})
    views = cases.task.views(state=trained.states["test"], info=info)
    scores = score_statistics(cases.task, told.lines, info=info, groups=told.groups, seed=seed, views=views, subgroups=columns)
    reached = told.any(np.isin(split.test, touched(leaks)))
    scores = with_clean(scores, cases.task, told.lines, touched=reached, info=info, groups=told.groups, seed=seed)
    likeness = {name: columns[name] for name in near}
    drawn = {f.name: f.to_dict() for f in nearness_figures(likeness, views, told.lines["test"], groups=told.groups)}
    scores = replace(scores, notes=told.noted(scores.notes), origin={"kind": "test"}, curves={**scores.curves, **drawn})
    if withheld(scores.counts):
        return without_few(scores), found["test"]
    if told.members is None:  # a plain number is one of a case, and of slices that are scored together there are many
        scores = beside_yardsticks(scores, source, cases, split)
    inputs = by_input(source, cases, split.test, trained, statistics=found, watch=watch)
    return replace(scores, explanation=overall(source, cases, split, trained, watch=watch), inputs=inputs), found["test"]


def nearness(cases: Cases, split: Split) -> dict[str, np.ndarray]:
    """Return by name how like the test cases (n,) are to those of training, where an input can tell."""
    return {
        name if len(cases.modalities) == 1 else f"{name} ({given})": values
        for given, modality in cases.modalities.items()
        for name, values in modality.nearness(cases.columns[given], split.test, among=split.development).items()
    }


def beside_yardsticks(scores: Scores, source: Source, cases: Cases, split: Split) -> Scores:
    """Return `scores` with what single plain numbers of the inputs tell by themselves, where there are such."""
    found = []
    for given, modality in cases.modalities.items():
        before, now = (modality.yardsticks(cases.columns[given], rows) for rows in (split.development, split.test))
        for name, values in now.items():
            found.append(Yardstick(name if len(cases.modalities) == 1 else f"{name} ({given})", before[name], values))
    return with_yardsticks(
        scores, cases.task, tuple(found), before=cases.target.take(split.development), now=cases.target.take(split.test),
        groups=cases.groups[split.test] if cases.grouped else None, plan=source.plan, seed=cases.study.seed,
    )  # fmt: skip


def by_input(
    source: Source,
    cases: Cases,
    rows: np.ndarray,
    trained: Trained,
    *,
    statistics: Mapping[str, np.ndarray],
    watch: Watch = SILENT,
) -> dict[str, Any]:
    """Return what each of several inputs adds on the tested cases `rows`, whose `statistics` by part have a line each."""
    if len(source.modalities) < 2:
        return {}
    watch.stage("withholding inputs")
    judged = Judged(
        trained.crews, trained.blend, trained.states, rows, cases.target.take(rows), cases.groups[rows] if cases.grouped else None,
        statistics,
    )  # fmt: skip
    return what_inputs_add(
        source, judged, task=cases.task, seconds=source.plan.get("explain.seconds", 0.0), seed=cases.study.seed,
        counts=counted(source.columns, rows),
    )  # fmt: skip


def overall(source: Source, cases: Cases, split: Split, trained: Trained, *, watch: Watch = SILENT) -> dict[str, Any]:
    """Return what moves predictions on the whole, on the test cases; nothing of a target on a grid."""
    rows = split.test[cases.target.take(split.test).observed.any(axis=1)] if cases.target.observed.shape[1] else split.test[:0]
    seconds = source.plan.get("explain.seconds", 0.0)
    if source.anchor is not None or not len(rows) or seconds <= 0:
        return {}
    watch.stage("explaining")
    target, seed = cases.target, cases.study.seed
    rows = rows[importance.sampled(cases.task.stratum(target.take(rows)), most=importance.CASES, seed=seed)]
    with planning.threads(source.plan):
        subject = Subject.of(
            source, trained.crews, blend=trained.blend, task=cases.task, info=target.info, state=trained.states["test"],
            references=explaining.stored_references(trained.references, trained.crews),
        )  # fmt: skip
        return importance.explanation(
            importance.on_cases(subject, rows), target.take(rows), groups=cases.groups[rows] if cases.grouped else None,
            seconds=seconds, seed=seed,
        )  # fmt: skip
