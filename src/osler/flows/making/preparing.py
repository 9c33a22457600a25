"""From a study to what is to be made of which cases: read, screened, divided, measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from osler.contract import Maker
from osler.core import registry
from osler.core.errors import StudyError
from osler.core.leak import Leak
from osler.core.plan import Decision, Plan
from osler.core.split import Fold, Split
from osler.core.study import Study
from osler.core.table import Table
from osler.core.watch import Watch
from osler.flows import planning
from osler.flows.cases import Cases, gather_cases, most_common
from osler.flows.divide import Again, split_and_check
from osler.flows.making.labels import labelled
from osler.flows.making.planning import Making

SEEN = "seen"  # what was seen of all inputs together, in the target's info until it is joined into the maker's
_EMPTY = np.empty(0, np.int64)
Found = tuple[Cases, Split, Plan, tuple[Leak, ...]]


def prepared(
    study: Study, table: Table, *, cache: Path, device: str | None, watch: Watch,
    divide: Callable[..., Found] = split_and_check,
) -> tuple[Making, tuple[Leak, ...]]:  # fmt: skip
    """Return what is to be made of which cases, and the leaks found. `divide` splits the cases and may stop at leaks.

    Raises StudyError where the study is none for its task, or where there is nothing to learn from.
    """
    maker: Maker = registry.maker(study.task)
    cases, again = _gathered(study, table, maker=maker, cache=cache, watch=watch)
    cases, split, decisions, leaks = _split(cases, again=again, divide=divide)
    split, decisions = _divided(cases, split, decisions, maker=maker)
    return _measured(maker, cases, split, decisions, device=device, watch=watch), leaks


def with_inputs(study: Study) -> Study:
    """Return the study with all inputs that its maker reads; raises StudyError with what cannot be."""
    maker: Maker = registry.maker(study.task)
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


def _split(cases: Cases, *, again: Again, divide: Callable[..., Found]) -> Found:
    """Return what `divide` gives; where it cannot divide, it may be for what was refused, which is then told too."""
    try:
        return divide(cases, again=again)
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
