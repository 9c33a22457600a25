"""From cases to an honest split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from osler.core.errors import LeakError, StudyError
from osler.core.leak import Leak
from osler.core.plan import Decision, Plan
from osler.core.processors import processors
from osler.core.split import Split
from osler.core.study import Study
from osler.flows import replicates
from osler.flows.cases import Cases
from osler.spine import leaks as leak_step
from osler.spine import split as split_step
from osler.spine.scan import column_values

Again = Callable[[Study], Cases]
_ONCE = Decision("split.folds", 1, "one training: what is made of several cannot be averaged", choices=(1,))


def split_and_check(cases: Cases, *, again: Again) -> tuple[Cases, Split, Plan, tuple[Leak, ...]]:
    """Return the cases, the split, its decisions and the leaks found; raises LeakError for those that stop the run.

    Where the study asks to drop leaks, the cases are without the columns that give the outcome away: `again` reads them anew.
    """
    cases, split, plan, leaks = split_and_drop(cases, again=again)
    leak_step.judge(leaks, how=cases.study.leaks)
    _check_classes(cases, split)
    return cases, split, plan, leaks


def _check_classes(cases: Cases, split: Split) -> None:
    """Raise StudyError for a class that the test holds and training does not: no model could learn it, and scores would mislead."""
    seen, tested = (cases.task.facts(cases.target, rows) for rows in (split.development, split.test))
    faults = [
        f"class '{label}' of '{name}' is in {new} test cases and in no training case; leave these rows out, join classes or mend the split"
        for name, labels, old, now in zip(
            seen.get("names", ()), seen.get("classes", ()), seen.get("counts", ()), tested.get("counts", ()), strict=False
        )
        for label, before, new in zip(labels, old, now, strict=True)
        if new and not before
    ]
    if faults:
        raise StudyError(faults)


def split_and_drop(cases: Cases, *, again: Again) -> tuple[Cases, Split, Plan, tuple[Leak, ...]]:
    """Return the same and raise for no leak, so that it can be shown.

    A column can hide behind another: what is left is looked at again until no column stops the run.
    """
    told: dict[str, Leak] = {}
    while True:
        split, plan, leaks = split_and_find(cases)
        names = leak_step.blamed(leaks)
        if cases.study.leaks != "drop" or not names:
            dropped = tuple(told.values())
            return cases, split, plan, (*dropped, *(leak for leak in leaks if leak.column not in told))
        told |= {str(leak.column): leak for leak in leaks if leak.column in names}
        cases = again(without_columns(cases.study, names))


def without_columns(study: Study, names: Iterable[str]) -> Study:
    """Return the study whose inputs lack the columns `names`, and whose settings do not name them; raises LeakError where no
    input would be left."""
    gone = set(names)
    inputs = tuple(replace(i, columns=kept) for i in study.inputs if (kept := tuple(c for c in i.columns if c not in gone)))
    if not inputs:
        raise LeakError(
            "every input column gives the outcome away; give other inputs, or go on with --allow-leaks if they may know it"
        )
    lost = tuple(f"inputs.{i.name}." for i in study.inputs if i.name not in {one.name for one in inputs})
    others = {name: value for name, value in study.settings.items() if not (lost and name.startswith(lost))}
    settings = {name: _without(value, gone) if name.startswith("inputs.") else value for name, value in others.items()}
    return replace(study, inputs=inputs, settings=settings)


def _without(value: Any, gone: set[str]) -> Any:
    return {k: v for k, v in value.items() if k not in gone} if isinstance(value, Mapping) else value


def split_and_find(cases: Cases) -> tuple[Split, Plan, tuple[Leak, ...]]:
    """Return the split (without leaking development rows where the study asks to drop them), its decisions, the leaks."""
    plan = split_plan(cases)
    split = split_step.divide(seen(cases), plan=plan, seed=cases.study.seed)
    leaks = leaks_of(cases, split)
    return without_leaks(cases, split, leaks), plan.with_decisions(split_step.describe(split).decisions), leaks


def split_plan(cases: Cases) -> Plan:
    """Return the decisions on how to divide, with what the user set."""
    groups = len(np.unique(cases.groups[cases.usable]))
    small = min(modality.small for modality in cases.modalities.values())
    large = cases.anchor is not None and not cases.task.listed  # sequences are no larger than cases of other kinds
    plan = Plan(split_step.split_rules(
        groups=groups, budget=_minutes(cases.study), small=small, grid=large, keys=_choices(cases),
    ))  # fmt: skip
    plan = plan.with_decisions(replicates.rules(cases.modalities, cases.columns))
    plan = plan if cases.task.crossfits else plan.with_decisions([_ONCE])
    return plan.set_by_user({k: v for k, v in cases.study.settings.items() if k in plan})


def _minutes(study: Study) -> float:
    """Return the minutes of each training that shares the budget, half of them where one processor must do the work of the two on which
    the rules were measured; none where sites, which are not counted yet, are left out in turn."""
    if study.roles.leave_out is not None:
        return 0.0
    return study.budget * min(1.0, processors() / 2) / (study.folds * study.repeats + 1 if study.folds else 1 + study.refit)


def leaks_of(cases: Cases, split: Split) -> tuple[Leak, ...]:
    """Return what of the split's test is known to its training."""
    return leak_step.find_leaks(
        modalities=cases.modalities,
        columns=cases.columns,
        split=split,
        target=cases.target,
        groups=cases.groups if cases.grouped else None,
        outcomes=cases.task.outcomes(cases.target),
    )


def without_leaks(cases: Cases, split: Split, leaks: tuple[Leak, ...]) -> Split:
    """Return the split without leaking development rows where the study asks to drop them."""
    return leak_step.without(split, leaks) if cases.study.leaks == "drop" else split


def seen(cases: Cases) -> split_step.Cases:
    """Return what the split may look at; its groups hold together what the decision `split.by` names."""
    roles, table = cases.study.roles, cases.table
    official = None if roles.split is None else column_values(table, roles.split)
    times = None if roles.time is None else _days(column_values(table, roles.time))
    plan, keys, groups = split_plan(cases), _keys(cases), cases.groups
    if "split.by" in plan and plan["split.by"] in keys:
        groups = split_step.together(groups, keys[plan["split.by"]][plan["split.by"]])
    return split_step.Cases(cases.usable, groups, cases.task.stratum(cases.target), official, times)


def _choices(cases: Cases) -> tuple[str, ...]:
    """Return what may stay together, the default first: of several inputs the group alone, for one drug is given to many patients."""
    keys = tuple(_keys(cases))
    if not keys:
        return ()
    return (*keys, "group") if len(cases.modalities) == 1 else ("group", *keys)


def _keys(cases: Cases) -> dict[str, Mapping[str, np.ndarray]]:
    """Return by name of a key the keys of the first input that has it."""
    found: dict[str, Mapping[str, np.ndarray]] = {}
    for name, modality in cases.modalities.items():
        keys = modality.split_keys(cases.columns[name])
        found = {**dict.fromkeys(keys, keys), **found}
    return found


def _days(values: Iterable[object]) -> np.ndarray:
    """Return days for ISO dates, numbers as they are, NaN for what is neither."""
    return np.array([_day(v) for v in values], float)


def _day(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        pass
    try:
        return float(np.datetime64(str(value).strip().replace(" ", "T"), "s").astype(np.int64)) / 86_400
    except ValueError:
        return float("nan")
