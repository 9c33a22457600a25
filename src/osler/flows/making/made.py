"""From a study to the bundle of what was trained without predicting: a short list of steps."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osler.contract import Made, Maker, Objective
from osler.core import registry
from osler.core.errors import StudyError
from osler.core.leak import Leak
from osler.core.made import MadeAccount
from osler.core.plan import Decision, Plan
from osler.core.split import Fold, Split
from osler.core.study import Study
from osler.core.table import Table
from osler.core.watch import Watch
from osler.flows import planning, warm
from osler.flows.cases import Cases, gather_cases, most_common, refused_counts
from osler.flows.divide import split_and_check
from osler.flows.freeze import versions
from osler.flows.making import freezing
from osler.flows.making.building import Parts, build
from osler.flows.making.labels import labelled
from osler.flows.making.planning import Making, frozen_plan
from osler.spine.fit import Clock, Run, draw, fit
from osler.spine.fit.checkpoint import Progress

SEEN = "seen"  # what was seen of all inputs together, in the target's info until it is joined into the maker's
_EMPTY = np.empty(0, np.int64)


def make(
    study: Study, table: Table, *, out: Path, plan: Path | None, cache: Path, device: str | None, watch: Watch, began: float
) -> Path:  # fmt: skip
    """Train what the study's task makes, judge it on cases that training never saw, and write the bundle to `out`; returns `out`.

    A killed run is taken up from `<out>.run` when the same is asked again. `began` is when the command began (monotonic clock).
    """
    maker: Maker = registry.maker(study.task)
    study, starts = warm.resolved(planning.with_given(_checked(study, maker), plan))
    cases, again = _gathered(study, table, maker=maker, cache=cache, watch=watch)
    cases, split, decisions, leaks = _split(cases, again=again)
    for leak in leaks:
        watch.say(f"leak ({leak.severity}): {leak.sentence}")
    split, decisions = _divided(cases, split, decisions, maker=maker)
    making = _measured(maker, cases, split, decisions, device=device, watch=watch)
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
        study=freezing.public_study(study), plan=frozen, judgement=judgement, facts=making.facts, info=cases.target.info,
        split=split.how, counts=_counts(cases, split), refused=refused_counts(cases.refusals.values()), leaks=leaks,
        versions=versions(), timing=timing,
    )  # fmt: skip
    freezing.write(out, making=making, objective=made.objective, parts=parts, account=account)
    freezing.write_cases(out.with_name(f"{out.name}.cases.html"), account)
    shutil.rmtree(folder, ignore_errors=True)
    return out


def _checked(study: Study, maker: Maker) -> Study:
    """Return the study with all inputs that the maker reads; raises StudyError with what cannot be."""
    asked = {"folds": study.folds, "leave_out": study.roles.leave_out, "refit": study.refit}
    faults = [f"{name}: the task '{maker.name}' is trained once; leave it out" for name, value in asked.items() if value]
    if why := maker.unfit(study):
        faults.append(why)
    if faults:
        raise StudyError(faults)
    return replace(study, inputs=maker.inputs(study))


def _gathered(
    study: Study, table: Table, *, maker: Maker, cache: Path, watch: Watch
) -> tuple[Cases, Callable[[Study], Cases]]:  # fmt: skip
    label, sentence = labelled(study, table, maker=maker)
    if sentence:
        watch.say(sentence)
    more = lambda name, read: maker.settings(name, read=read)  # noqa: E731 - one line that names its keyword
    gather = partial(gather_cases, table=table, cache=cache, watch=watch, task=label, more=more)
    again = lambda asked: _screened(gather(asked), maker=maker)  # noqa: E731
    cases = again(replace(study, targets=()) if maker.target_is == "input" else study)
    if (found := len(cases.usable)) < maker.least:
        tail = f": {most_common(cases.refusals)}" if cases.refusals else ""
        raise StudyError(f"{found} cases can be used, and the task '{maker.name}' needs at least {maker.least}; give more{tail}")
    return cases, again


def _screened(cases: Cases, *, maker: Maker) -> Cases:
    """Return the cases without those that the maker cannot use, for all inputs together."""
    why, seen = maker.screened(cases.modalities, cases.columns, settings=cases.study.settings)
    refusals = dict(sorted((dict(why) | dict(cases.refusals)).items()))
    usable = np.array([row for row in cases.usable if int(row) not in refusals], np.int64)
    if len(usable) == 0:
        raise StudyError(f"no case is left: all {len(cases.table)} rows are refused; {most_common(refusals)}")
    target = replace(cases.target, info={**cases.target.info, SEEN: dict(seen)}) if seen else cases.target
    return replace(cases, refusals=refusals, usable=usable, target=target)


def _split(cases: Cases, *, again: Callable[[Study], Cases]) -> tuple[Cases, Split, Plan, tuple[Leak, ...]]:
    """Return what `split_and_check` gives; where it cannot divide, it may be for what was refused, which is then told too."""
    try:
        return split_and_check(cases, again=again)
    except StudyError as error:
        if not cases.refusals:
            raise
        raise StudyError([*error.faults, f"{len(cases.refusals)} rows are refused: {most_common(cases.refusals)}"]) from None


def _divided(cases: Cases, split: Split, decisions: Plan, *, maker: Maker) -> tuple[Split, Plan]:
    """Return the split in three parts, for nothing is calibrated, as the maker divides it."""
    tune = np.sort(np.concatenate([split.tune, split.calibrate]))
    whole = Split(split.training, tune, _EMPTY, split.test, (Fold(split.training, tune, _EMPTY),), split.how)
    target = cases.target if cases.target.values.shape[1] else None
    found = maker.divided(whole, target=target, settings=cases.study.settings)
    sizes = {"training": found.training, "tune": found.tune, "calibrate": _EMPTY, "test": found.test}
    counted = [Decision(f"split.cases.{name}", len(rows), "number of cases", "measured") for name, rows in sizes.items()]
    return found, decisions.with_decisions(counted)


def _measured(
    maker: Maker, cases: Cases, split: Split, decisions: Plan, *, device: str | None, watch: Watch
) -> Making:  # fmt: skip
    target = cases.target if cases.target.values.shape[1] else None
    maker.check(cases.columns, target, split.training)
    facts = planning.gather_facts(cases, split)
    label = {name: value for name, value in cases.target.info.items() if name != SEEN}
    seen = cases.target.info.get(SEEN, {})
    info = {"label": label, **maker.info(cases.columns, target, split.training, facts=facts), **seen}
    return Making(maker, cases, split, decisions, facts, info, device, watch)


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
        plan=plan, facts=making.facts, info=parts.info, states=parts.states, study=cases.study, folder=folder, seconds=0.0,
        watch=making.watch, trouble=progress.trouble,
    )  # fmt: skip
    return made, parts


def _fit(making: Making, objective: Objective, *, plan: Plan, folder: Path, clocked: bool) -> Progress:
    source = making.source(plan)
    limit = plan.get("fit.limit", 0.0) or None
    run = Run(plan, making.cases.study.seed, 0, folder / "member-0", Clock(limit if clocked else None), making.watch)
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
