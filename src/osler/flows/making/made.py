"""From a study to the bundle of what was trained without predicting: a short list of steps."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osler.contract import Made, Objective
from osler.core.made import MadeAccount
from osler.core.plan import Plan
from osler.core.split import Split
from osler.core.study import Study
from osler.core.table import Table
from osler.core.watch import Watch
from osler.flows import planning, warm
from osler.flows.cases import Cases, refused_counts
from osler.flows.freeze import public_study, versions
from osler.flows.making import freezing
from osler.flows.making.building import Parts, build
from osler.flows.making.planning import Making, frozen_plan
from osler.flows.making.preparing import prepared, with_inputs
from osler.flows.members import clock_of, with_replanned
from osler.spine.fit import Run, draw, fit
from osler.spine.fit.checkpoint import Progress


def make(
    study: Study, table: Table, *, out: Path, plan: Path | None, cache: Path, device: str | None, watch: Watch, began: float
) -> Path:  # fmt: skip
    """Train what the study's task makes, judge it on cases that training never saw, and write the bundle to `out`; returns `out`.

    A killed run is taken up from `<out>.run` when the same is asked again. `began` is when the command began (monotonic clock).
    """
    study, starts = warm.resolved(planning.with_given(with_inputs(study), plan))
    making, leaks = prepared(study, table, cache=cache, device=device, watch=watch)
    maker, cases, split = making.maker, making.cases, making.split
    for leak in leaks:
        watch.say(f"leak ({leak.severity}): {leak.sentence}")
    folder = out.with_name(f"{out.name}.run")
    frozen = frozen_plan(making, folder=folder, given=plan, spent=time.monotonic() - began)
    ready = time.monotonic()
    made, parts = _trained(making, frozen, folder=folder, starts=starts, clocked=plan is None)
    trained = time.monotonic()
    left = max(0.0, cases.study.budget * 60 - (trained - began))
    watch.stage("judging")
    with planning.threads(frozen):
        judgement = maker.judge(replace(made, seconds=left))
    timing = {"prepare": ready - began, "train": trained - ready, "judge": time.monotonic() - trained}
    account = MadeAccount(
        study=public_study(study), plan=made.plan, judgement=judgement, facts=making.facts, info=cases.target.info,
        split=split.how, counts=_counts(cases, split), refused=refused_counts(cases.refusals.values()), leaks=leaks,
        versions=versions(), timing=timing,
    )  # fmt: skip
    freezing.write(out, making=making, objective=made.objective, parts=parts, account=account)
    freezing.write_cases(out.with_name(f"{out.name}.cases.html"), account)
    shutil.rmtree(folder, ignore_errors=True)
    return out


def _trained(
    making: Making, plan: Plan, *, folder: Path, starts: Mapping[str, warm.Start], clocked: bool
) -> tuple[Made, Parts]:  # fmt: skip
    """Return what training gives; a killed training is taken up from its checkpoint in `folder`."""
    cases, split, source = making.cases, making.split, making.source(plan)
    making.watch.stage("training", total=int(plan["fit.epochs"]))
    warm.fitting(starts, source, split, groups=cases.groups, watch=making.watch)
    with planning.threads(plan):
        parts = making.parts(source, split.training)
        seed = draw(cases.study.seed, 0, -1)
        begin = partial(warm.put, starts=starts)
        objective = build(making.maker, source.modalities, parts, plan=plan, seed=seed, begin=begin)
        objective.module.to(source.device)
        progress = _fit(making, objective, plan=plan, folder=folder, clocked=clocked)
    made = Made(
        objective=objective, source=source, split=split, target=source.target, groups=cases.groups, grouped=cases.grouped,
        plan=with_replanned(plan, {0: progress.replanned}), facts=making.facts, info=parts.info,
        states=parts.states, study=cases.study, folder=folder, seconds=0.0,
        watch=making.watch, trouble=progress.trouble,
    )  # fmt: skip
    return made, parts


def _fit(making: Making, objective: Objective, *, plan: Plan, folder: Path, clocked: bool) -> Progress:
    source = making.source(plan)
    clock = clock_of(plan, 0, cases=len(making.split.training), clocked=clocked)
    run = Run(plan, making.cases.study.seed, 0, folder / "member-0", clock, making.watch)
    return fit(
        objective,
        making.maker.batches_of(source, info=making.info),
        rows=making.split.training,
        tune=lambda: making.maker.tuned(source, making.split.tune, info=making.info, size=plan["fit.predict_batch"]),
        run=run,
    )


def _counts(cases: Cases, split: Split) -> dict[str, Any]:
    counts = {name: len(getattr(split, name)) for name in ("training", "tune", "test")}
    counts |= {"refused": len(cases.refusals), "cases": len(cases.table)}
    return counts | ({"groups": len(np.unique(cases.groups[cases.usable]))} if cases.grouped else {})
