"""`osler inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osler.cli import options as o
from osler.cli.request import leak_word, request_of

if TYPE_CHECKING:
    from osler.flows.inspect import Inspection


def inspect(
    table: o.Table,
    out: Annotated[Path | None, typer.Option(help="file for the plan (plan.json)")] = None,
    target: o.Target = None,
    task: o.Task = None,
    inputs: o.Inputs = None,
    exclude: o.Exclude = None,
    identity: o.Id = None,
    group: o.Group = None,
    split: o.SplitColumn = None,
    time: o.Time = None,
    weight: o.Weight = None,
    subgroup: o.Subgroup = None,
    budget: o.Budget = None,
    seed: o.Seed = None,
    settings: o.Settings = None,
    folds: o.Folds = None,
    repeats: o.Repeats = None,
    leave_out: o.LeaveOut = None,
    refit: o.Refit = False,
    drop_leaks: o.DropLeaks = False,
    allow_leaks: o.AllowLeaks = False,
    cache: o.Cache = None,
    device: o.Device = None,
) -> None:
    """Show facts, refusals, leaks, the plan and what it will cost; train nothing."""
    from osler.cli.watch import Terminal
    from osler.flows.inspect import inspect as flow

    request = request_of(
        table,
        roles={"id": identity, "group": group, "split": split, "time": time, "weight": weight, "leave_out": leave_out},
        target=target,
        inputs=inputs,
        exclude=exclude,
        subgroups=subgroup,
        settings=settings,
        rest={
            "task": task, "budget": budget, "seed": seed, "leaks": leak_word(drop=drop_leaks, allow=allow_leaks),
            "folds": folds, "repeats": repeats, "refit": refit or None,
        },
    )  # fmt: skip
    with Terminal() as watch:
        found = flow(request, out=out, cache=cache, device=device, watch=watch)
    _show(found)
    if out is not None:
        typer.echo(f"plan  {out}")


def _show(found: Inspection) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(title="the plan: every decision, settable with --set")
    for column in ("decision", "value", "reason", "source"):
        table.add_column(column, overflow="fold")
    for decision in found.plan.decisions:
        value = str(decision.value)
        table.add_row(
            decision.name, escape(value if len(value) < 200 else value[:199] + "…"), escape(decision.reason), decision.source
        )
    console.print(table)
    console.print(f"split: {found.split.how}", markup=False)
    for reason, count in found.refused.items():
        console.print(f"refused: {count} rows, {reason}", markup=False)
    for leak in found.leaks:
        console.print(f"leak ({leak.severity}): {leak.sentence}", markup=False)
    if found.stop:
        console.print(f"'osler train' would stop here: {found.stop}", markup=False)
    if found.trainings > 1:
        console.print(f"{found.trainings} whole trainings share the budget; the plan above is the last one's, on all cases")
    trainings = found.trainings * len(found.split.folds) * found.plan.get("fit.members", 1)
    seconds = trainings * found.plan["fit.seconds"]
    beside = " beside the baseline" if "fit.members" in found.plan else ""
    console.print(f"cost: {trainings} networks, about {seconds:.0f} s of training{beside}", markup=False)
