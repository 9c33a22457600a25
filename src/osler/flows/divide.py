"""From cases to an honest split."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from osler.core.leak import Leak
from osler.core.plan import Plan
from osler.core.split import Split
from osler.flows.cases import Cases
from osler.spine import leaks as leak_step
from osler.spine import split as split_step
from osler.spine.scan import column_values


def split_and_check(cases: Cases) -> tuple[Split, Plan, tuple[Leak, ...]]:
    """Return the split, its decisions and the leaks found; raises LeakError for those that stop the run."""
    split, plan, leaks = split_and_find(cases)
    leak_step.judge(leaks, how=cases.study.leaks)
    return split, plan, leaks


def split_and_find(cases: Cases) -> tuple[Split, Plan, tuple[Leak, ...]]:
    """Return the split (without leaking development rows where the study asks to drop them), its decisions, the leaks."""
    plan = split_plan(cases)
    split = split_step.divide(seen(cases), plan=plan, seed=cases.study.seed)
    leaks = leaks_of(cases, split)
    return without_leaks(cases, split, leaks), plan.with_decisions(split_step.describe(split).decisions), leaks


def split_plan(cases: Cases) -> Plan:
    """Return the decisions on how to divide, with what the user set."""
    groups = len(np.unique(cases.groups[cases.usable]))
    plan = Plan(split_step.split_rules(groups=groups))
    return plan.set_by_user({k: v for k, v in cases.study.settings.items() if k in plan})


def leaks_of(cases: Cases, split: Split) -> tuple[Leak, ...]:
    """Return what of the split's test is known to its training."""
    return leak_step.find_leaks(
        modalities=cases.modalities,
        columns=cases.columns,
        split=split,
        target=cases.target,
        groups=cases.groups if cases.grouped else None,
    )


def without_leaks(cases: Cases, split: Split, leaks: tuple[Leak, ...]) -> Split:
    """Return the split without leaking development rows where the study asks to drop them."""
    return leak_step.without(split, leaks) if cases.study.leaks == "drop" else split


def seen(cases: Cases) -> split_step.Cases:
    """Return what the split may look at."""
    roles, table = cases.study.roles, cases.table
    official = None if roles.split is None else column_values(table, roles.split)
    times = None if roles.time is None else _days(column_values(table, roles.time))
    return split_step.Cases(cases.usable, cases.groups, cases.task.stratum(cases.target), official, times)


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
