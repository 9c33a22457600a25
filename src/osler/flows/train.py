"""`osler train`: from a table to a bundle."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osler.core import registry
from osler.core.account import Account
from osler.core.errors import RequestError
from osler.core.plan import Plan
from osler.core.sample_size import SampleSize
from osler.core.split import Split
from osler.core.study import Study
from osler.core.watch import SILENT, Watch
from osler.flows import freeze, overlays, planning, warm
from osler.flows.cases import Cases, gather_cases, refused_counts
from osler.flows.divide import split_and_check, split_plan
from osler.flows.fitting import Fitted, Setting, fit_split
from osler.flows.gained import with_gain
from osler.flows.listing import Reader, list_trained
from osler.flows.making import make
from osler.flows.opening import default_cache, open_study
from osler.flows.resampled import REFIT, Outcome, by_resampling
from osler.flows.scheme import last_decisions, last_split, with_budget
from osler.flows.scoring import score
from osler.spine import sample_size
from osler.spine.bundle import check_place
from osler.spine.study import Request


def train(
    request: Request,
    *,
    out: Path,
    plan: Path | None = None,
    cache: Path | None = None,
    device: str | None = None,
    watch: Watch = SILENT,
) -> Path:
    """Train, score on cases that training never saw, and write the bundle to `out`; returns `out`.

    One test is scored once; with folds or sites, each in turn. `plan` is a plan file to follow as it stands. A killed run is
    taken up from `<out>.run` when the same is asked again. A task that makes or represents goes its own way (`flows.making`).
    """
    began = time.monotonic()
    cache = cache or default_cache()
    check_place(out)
    study, table = open_study(request, cache=cache, watch=watch)
    study = warm.pretrained(study, Path(request.pretrain) if request.pretrain else None)
    if study.task in registry.MAKERS:
        return make(study, table, out=out, plan=plan, cache=cache, device=device, watch=watch, began=began)
    _check_plan(study, plan)
    study, starts = warm.resolved(planning.with_given(study, plan))
    cases = gather_cases(study, table, cache=cache, watch=watch)
    again = partial(gather_cases, table=table, cache=cache, watch=watch)
    setting = Setting(out.with_name(f"{out.name}.run"), again, plan, device, watch, starts)
    flow = by_resampling if study.resampled else by_split
    outcome = flow(cases, setting=setting, began=began)
    timing = {"prepare": outcome.ready - began, "train": time.monotonic() - outcome.ready}
    account = _account(outcome, timing=timing)
    freeze.write(out, cases=outcome.cases, trained=outcome.fitted.trained, account=account)
    _list(outcome, cases_page(out))
    shutil.rmtree(setting.folder, ignore_errors=True)
    return out


def cases_page(out: Path) -> Path:
    """Return where the worst and the least sure cases of the bundle `out` are listed: beside it, never in it."""
    return out.with_name(f"{out.name}.cases.html")


def _list(outcome: Outcome, path: Path) -> None:
    cases, fitted = outcome.cases, outcome.fitted
    if cases.anchor is not None:
        overlays.list_trained(path, cases, outcome.painted_by, statistics=outcome.tested[1])
        return
    reader = Reader.of(cases.modalities, fitted.trained.crews[0], facts=fitted.facts, scores=outcome.scores)
    rows, statistics = outcome.tested
    list_trained(path, cases, rows=rows, statistics=statistics, reader=reader)


def by_split(cases: Cases, *, setting: Setting, began: float) -> Outcome:
    """Train on one split and score its test, once; then, where asked, train again on all cases with the scores kept.

    `began` is when the command began (monotonic clock): reading and checking count in the budget.
    """
    cases, split, decisions, leaks = split_and_check(cases, again=setting.again)
    for leak in leaks:
        setting.watch.say(f"leak ({leak.severity}): {leak.sentence}")
    shared = with_budget(cases, trainings=1 + cases.study.refit)
    fitted = fit_split(shared, split, decisions, setting=setting, spent=time.monotonic() - began)
    scores, lines = score(fitted.source, cases, split, fitted.trained, leaks=leaks, watch=setting.watch)
    scores = with_gain(scores, fitted, cases, split, setting=setting)
    painted_by = ((split.test, fitted),) if cases.anchor is not None else ()
    if not cases.study.refit:
        return Outcome(cases, split, leaks, fitted, scores, fitted.ready, (split.test, lines), painted_by)
    scores = replace(scores, notes=(*scores.notes, REFIT), origin={**scores.origin, "refit": True})
    last = _again(shared, split, plan=split_plan(cases), setting=setting)
    return Outcome(cases, split, leaks, last, scores, fitted.ready, (split.test, lines), painted_by)


def _again(cases: Cases, split: Split, *, plan: Plan, setting: Setting) -> Fitted:
    setting.watch.say("training once more, on all cases")
    last = last_split(cases, plan, how=split.how)
    return fit_split(cases, last, last_decisions(plan, last), setting=setting.under("last"))


def _check_plan(study: Study, plan: Path | None) -> None:
    if plan is not None and study.resampled:
        what = "leave_out" if study.roles.leave_out else "folds"
        raise RequestError(
            f"a plan holds what was measured of one training part, and with {what} each training has its own: leave --plan out"
            " and set single decisions with --set"
        )


def _account(outcome: Outcome, *, timing: Mapping[str, float]) -> Account:
    cases, split, fitted = outcome.cases, outcome.split, outcome.fitted
    counts = {name: len(getattr(split, name)) for name in ("training", "tune", "calibrate", "test")}
    counts |= {"refused": len(cases.refusals), "cases": len(cases.table)}
    if cases.grouped:
        counts["groups"] = len(np.unique(cases.groups[cases.usable]))
    tested = cases.task.facts(cases.target, np.unique(outcome.tested[0]))
    share = fitted.trained.blend.network
    networks = sum(len(c.networks) for c in fitted.trained.crews)
    members = [
        f"{networks} network(s), weight {share:.2f} in the prediction",
        f"{len(fitted.trained.crews)} baseline(s), weight {1 - share:.2f}: {fitted.trained.crews[0].baseline.sentence()}",
    ]
    return Account(
        study=freeze.public_study(cases.study), plan=fitted.plan, scores=outcome.scores, target=cases.target.info, facts=fitted.facts,
        split=split.how, counts=counts, refused=refused_counts(cases.refusals.values()), leaks=outcome.leaks, members=members,
        versions=freeze.versions(), timing=timing, sample=_judged(outcome, tested), tested=tested,
        sketches=_sketches(outcome),
    )  # fmt: skip


def _sketches(outcome: Outcome) -> dict[str, str]:
    """Return by input what training does to its cases, of those that it can be drawn of."""
    plan = outcome.fitted.plan
    drawn = {name: m.sketch(plan.part(f"inputs.{name}")) for name, m in outcome.cases.modalities.items()}
    return {name: svg for name, svg in drawn.items() if svg}


def _judged(outcome: Outcome, tested: Mapping[str, Any]) -> SampleSize | None:
    """Return whether there were cases enough; nothing where scores are withheld."""
    cases, facts = outcome.cases, outcome.fitted.facts
    numbers = [m.parameters(facts[name]) for name, m in cases.modalities.items()]
    if not outcome.scores.test:
        return None
    return sample_size.judged(
        before=facts["target"], now=tested, values=outcome.scores.test,
        parameters=None if None in numbers else sum(n or 0 for n in numbers),
    )  # fmt: skip
