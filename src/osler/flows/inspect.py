"""`osler inspect`: facts, refusals, leaks, the plan and what it will cost; trains nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from osler.core import registry
from osler.core.errors import LeakError, OutputError
from osler.core.leak import Leak
from osler.core.plan import Plan
from osler.core.split import Split
from osler.core.study import Study
from osler.core.table import Table
from osler.core.watch import SILENT, Watch
from osler.flows import planning, warm
from osler.flows.cases import Cases, gather_cases, refused_counts
from osler.flows.divide import Again, split_and_drop
from osler.flows.making import inspected
from osler.flows.opening import default_cache, open_study
from osler.flows.scheme import scheme_and_drop, with_budget
from osler.spine.bundle import check_outside
from osler.spine.leaks import judge
from osler.spine.study import Request


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `train` would do: `trainings` times the plan, on `split` at the end. `refused` counts rows by reason; `stop` is the leak check's word where it would stop the run."""

    study: Study
    facts: Mapping[str, Mapping[str, Any]]
    split: Split
    leaks: tuple[Leak, ...]
    refused: Mapping[str, int]
    plan: Plan
    stop: str = ""
    trainings: int = 1


def inspect(
    request: Request, *, out: Path | None = None, cache: Path | None = None, device: str | None = None, watch: Watch = SILENT
) -> Inspection:
    """Return the plan and what it rests on; write the plan to `out` where asked."""
    began = time.monotonic()
    if out is not None:
        _check_place(out, asked=request.table_or_study)
    cache = cache or default_cache()
    study, table = open_study(request, cache=cache, watch=watch)
    if out is not None and out.resolve() == study.table.resolve():
        raise OutputError(f"'{out.name}' is the table itself; choose another --out, or its rows would be lost")
    if study.task in registry.MAKERS:
        return _of_maker(study, table, out=out, cache=cache, device=device, watch=watch, began=began)
    study, _ = warm.resolved(warm.pretrained(study, Path(request.pretrain) if request.pretrain else None))
    cases = gather_cases(study, table, cache=cache, watch=watch)
    again = partial(gather_cases, table=table, cache=cache, watch=watch)
    cases, split, decisions, leaks, trainings = _divided(cases, again)
    stop = ""
    try:
        judge(leaks, how=cases.study.leaks)
    except LeakError as error:
        stop = str(error)
    facts = planning.gather_facts(cases, split)
    spent = time.monotonic() - began
    shared, each = with_budget(cases, trainings=trainings), spent / trainings
    plan = planning.make_plan(shared, split, decisions, facts=facts, device=device, spent=each, watch=watch)
    if out is not None:
        _write(out, plan)
    refused = refused_counts(cases.refusals.values())
    return Inspection(cases.study, facts, split, leaks, refused, plan, stop, trainings)


def _of_maker(
    study: Study, table: Table, *, out: Path | None, cache: Path, device: str | None, watch: Watch, began: float
) -> Inspection:  # fmt: skip
    """Return the inspection of a study whose task makes or represents."""
    study, _ = warm.resolved(study)
    found = inspected(study, table, cache=cache, device=device, watch=watch, began=began)
    making = found.making
    if out is not None:
        _write(out, found.plan)
    refused = refused_counts(making.cases.refusals.values())
    return Inspection(making.cases.study, making.facts, making.split, found.leaks, refused, found.plan, found.stop)


def _divided(cases: Cases, again: Again) -> tuple[Cases, Split, Plan, tuple[Leak, ...], int]:
    """Return the cases, the split of the plan to be shown, its decisions, all leaks, and the number of whole trainings."""
    if cases.study.resampled:
        cases, scheme = scheme_and_drop(cases, again=again)
        return cases, scheme.last, scheme.decisions, scheme.leaks, scheme.trainings
    return *split_and_drop(cases, again=again), 1 + cases.study.refit


def _check_place(out: Path, *, asked: Path) -> None:
    """Raise OutputError before the work where the plan could not be written after it; an older plan stays as it is."""
    if out.resolve() == asked.resolve():
        raise OutputError(f"'{out.name}' is what is to be inspected; choose another --out, or it would be lost")
    check_outside(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        before = out.exists()
        with out.open("a", encoding="utf-8"):
            pass
        if not before:
            out.unlink()
    except OSError as error:
        raise OutputError(f"cannot write {out.name}: {error.strerror}; choose another --out") from None


def _write(out: Path, plan: Plan) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(plan.to_json(), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {out.name}: {error.strerror}; choose another --out") from None
