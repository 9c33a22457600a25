"""Several whole trainings, each scored on cases that it never saw, then one on all cases: for small and many-centre studies."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.core.leak import Leak
from osler.core.panel import Panel
from osler.core.scores import Scores, Value
from osler.core.split import Split
from osler.core.state import State
from osler.core.view import View
from osler.flows import scheme as scheme_step
from osler.flows.cases import Cases, subgroup_columns
from osler.flows.fitting import Fitted, Setting, fit_split
from osler.flows.judging import statistics
from osler.flows.planning import threads
from osler.flows.pooling import TOGETHER, Together
from osler.flows.scheme import Outer, Scheme
from osler.flows.scoring import by_input, overall
from osler.spine.evaluate import score_statistics
from osler.spine.evaluate.clean import with_clean
from osler.spine.evaluate.pooled import Outside, Pooled, repeats_panel
from osler.spine.evaluate.sites import Site, sites_panel
from osler.spine.evaluate.withheld import withheld, without_few
from osler.spine.leaks import touched

# Every note about intervals begins with "Intervals": the report shows those below the scores.
POOLED = (
    "Intervals are 95% and pool the predictions of {n} trainings that share training cases. What another draw of training cases"
    " would change is not in them, and no unbiased estimate of that exists (Bengio and Grandvalet 2004)."
)
EXPLAINED = "What moves predictions is told of the first of these trainings, on its own test cases."
ADDED = "What an input adds is told of the first of these trainings, on its own test cases."
REFIT = (
    "The bundle predicts with a last training, on all cases. What that one is worth cannot be measured here: the scores are those"
    " of trainings on fewer cases."
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the bundle predicts with, and the honest scores, measured before any last training. `tested` holds the rows (n,) that were
    tested and their statistics (n, s); with repeats, those of the first. Of a target on a grid, `painted_by` holds the tested rows of
    each training with the training."""

    cases: Cases
    split: Split
    leaks: tuple[Leak, ...]
    fitted: Fitted
    scores: Scores
    ready: float
    tested: tuple[np.ndarray, np.ndarray]
    painted_by: Sequence[tuple[np.ndarray, Fitted]] = ()


@dataclass(frozen=True, slots=True)
class Tested:
    """One outer training on its test cases: statistics by part, those that are scored `together`, and the views that its own state
    gives; of the first also what moves its predictions, and what each input adds. Of a target on a grid `fitted` paints its cases."""

    outer: Outer
    lines: Mapping[str, np.ndarray]
    together: Together
    views: Sequence[View]
    ready: float
    explanation: Mapping[str, Any]
    inputs: Mapping[str, Any]
    fitted: Fitted | None = None

    @property
    def rows(self) -> np.ndarray:
        """The case of each line that is scored."""
        return self.outer.split.test[self.together.first]


def by_resampling(cases: Cases, *, setting: Setting, began: float) -> Outcome:
    """Train and score every outer fold or left-out site, then train on all cases with the scores kept.

    The budget is divided among the trainings. Each has a folder of its own in the run, with its frozen plan.
    """
    cases, scheme = scheme_step.scheme_and_drop(cases, again=setting.again)
    scheme_step.judge(scheme, how=cases.study.leaks)
    for leak in scheme.leaks:
        setting.watch.say(f"leak ({leak.severity}): {leak.sentence}")
    shared = scheme_step.with_budget(cases, trainings=scheme.trainings)
    each = (time.monotonic() - began) / scheme.trainings
    tested = [_tested(shared, scheme, number, setting=setting, spent=each) for number in range(len(scheme.outer))]
    setting.watch.stage("scoring")
    scores = pooled_scores(cases, scheme, tested)
    setting.watch.say(f"training {scheme.trainings} of {scheme.trainings}: on all cases")
    last = fit_split(shared, scheme.last, scheme.decisions, setting=setting.under("last"), spent=each)
    first = [one for one in tested if one.outer.repeat == 0]
    lines = np.concatenate([one.outer.split.test for one in first]), np.concatenate([one.lines["test"] for one in first])
    painted_by = tuple((one.outer.split.test, one.fitted) for one in first if one.fitted is not None)
    return Outcome(cases, scheme.last, scheme.leaks, last, scores, tested[0].ready, lines, painted_by)


def _tested(cases: Cases, scheme: Scheme, number: int, *, setting: Setting, spent: float) -> Tested:
    outer = scheme.outer[number]
    setting.watch.say(f"training {number + 1} of {scheme.trainings}: {outer.label} is tested")
    fitted = fit_split(cases, outer.split, scheme.decisions, setting=setting.under(f"outer-{number}"), spent=spent)
    trained = fitted.trained
    with threads(fitted.plan):
        lines = statistics(fitted.source, trained.crews, trained.blend, outer.split.test, task=cases.task, states=trained.states)
    views = cases.task.views(state=trained.states["test"], info=cases.target.info)
    first = overall(fitted.source, cases, outer.split, trained, watch=setting.watch) if number == 0 else {}
    rows = outer.split.test
    inputs = by_input(fitted.source, cases, rows, trained, statistics=lines, watch=setting.watch) if number == 0 else {}
    groups = cases.groups[rows] if cases.grouped else None
    together = Together.of(cases.task, lines, groups, info=cases.target.info)
    return Tested(outer, lines, together, views, fitted.ready, first, inputs, fitted if cases.anchor is not None else None)


def pooled_scores(cases: Cases, scheme: Scheme, tested: Sequence[Tested]) -> Scores:
    """Return the scores of all outer tests together; each case keeps the predictions of trainings that never saw it."""
    rows = np.unique(np.concatenate([one.rows for one in tested]))
    outside = [Outside(np.searchsorted(rows, one.rows), one.outer.repeat, one.together.lines, one.views) for one in tested]
    task = Pooled(cases.task, outside)
    lines = {part: task.statistics_of(part) for part in tested[0].lines}
    info, seed = cases.target.info, cases.study.seed
    groups = cases.groups[rows] if cases.grouped else None
    views = task.views(state=State(), info=info)
    columns = subgroup_columns(cases, rows)
    scores = score_statistics(task, lines, info=info, groups=groups, seed=seed, views=views, subgroups=columns)
    reached = _touched(rows, tested, touched(scheme.leaks))
    scores = with_clean(scores, task, lines, touched=reached, info=info, groups=groups, seed=seed)
    panels = [repeats_panel(task, lines["test"], info=info)] if scheme.repeats > 1 else []
    panels += [_sites(cases, tested)] if cases.study.roles.leave_out else []
    told = (*((EXPLAINED,) if tested[0].explanation else ()), *((ADDED,) if tested[0].inputs else ()))
    notes = (POOLED.format(n=len(tested)), *scores.notes[1:], *_taken_together(tested), REFIT, *told)
    scores = replace(
        scores, notes=notes, panels=(*scores.panels, *panels), origin=_origin(cases, scheme), explanation=tested[0].explanation,
        inputs=tested[0].inputs,
    )  # fmt: skip
    return scores if _sites_are_groups(cases) else without_few(scores)


def _touched(rows: np.ndarray, tested: Sequence[Tested], reached: np.ndarray) -> np.ndarray:
    """Return (n,) whether any case that stands behind one of `rows` is among those `reached` by a leak."""
    found = [one.rows[one.together.any(np.isin(one.outer.split.test, reached))] for one in tested]
    return np.isin(rows, np.concatenate(found))


def _taken_together(tested: Sequence[Tested]) -> tuple[str, ...]:
    first = [one.together for one in tested if one.outer.repeat == 0]
    cases, lines = sum(one.cases for one in first), sum(len(one.first) for one in first)
    return (TOGETHER.format(n=f"{cases:,}", m=f"{lines:,}"),) if lines < cases else ()


def _sites_are_groups(cases: Cases) -> bool:
    """Whether sites, which are no persons, are what the split keeps together: a few of them may then be told of."""
    return cases.study.roles.leave_out is not None and cases.study.roles.leave_out == cases.study.roles.group


def _sites(cases: Cases, tested: Sequence[Tested]) -> Panel:
    info, seed = cases.target.info, cases.study.seed
    sites = []
    for one in tested:
        told = one.together
        scores = score_statistics(cases.task, {"test": told.lines["test"]}, info=info, groups=told.groups, seed=seed)
        why = "" if _sites_are_groups(cases) else withheld(scores.counts)
        values = {name: Value(float("nan"), note=why) for name in scores.test} if why else scores.test
        sites.append(Site(one.outer.label, len(one.rows), values))
    column = cases.study.roles.leave_out
    assert column is not None
    return sites_panel(column, sites, cases.task.measured(info))


def _origin(cases: Cases, scheme: Scheme) -> dict[str, object]:
    if cases.study.roles.leave_out:
        return {"kind": "sites", "column": cases.study.roles.leave_out, "sites": len(scheme.outer), "refit": True}
    return {"kind": "folds", "folds": cases.study.folds, "repeats": scheme.repeats, "refit": True}
