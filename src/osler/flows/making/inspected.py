"""`osler inspect` of what makes or represents: the plan and what it rests on; nothing is trained."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from osler.core.errors import LeakError
from osler.core.leak import Leak
from osler.core.plan import Plan
from osler.core.study import Study
from osler.core.table import Table
from osler.core.watch import Watch
from osler.flows.divide import split_and_drop
from osler.flows.making.planning import Making, make_plan
from osler.flows.making.preparing import prepared, with_inputs
from osler.spine.leaks import judge


@dataclass(frozen=True, slots=True)
class Looked:
    """What is to be made, by which `plan`; `stop` is the leak check's word where it would stop the run."""

    making: Making
    leaks: tuple[Leak, ...]
    plan: Plan
    stop: str


def inspected(study: Study, table: Table, *, cache: Path, device: str | None, watch: Watch, began: float) -> Looked:
    """Return what `make` would do. `began` is when the command began (monotonic clock)."""
    study = with_inputs(study)
    making, leaks = prepared(study, table, cache=cache, device=device, watch=watch, divide=split_and_drop)
    stop = ""
    try:
        judge(leaks, how=study.leaks)
    except LeakError as error:
        stop = str(error)
    return Looked(making, leaks, make_plan(making, spent=time.monotonic() - began), stop)
