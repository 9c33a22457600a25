"""`osler train`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from osler.cli import options as o
from osler.cli.request import leak_word, request_of

TITLES = {
    "test": "test, scored once (95% interval)",
    "folds": "every case, predicted by models that never saw it (95% interval)",
    "sites": "every site, predicted by models that saw none of it (95% interval)",
    "external": "new data (95% interval)",
}


def train(
    table: o.Table,
    out: Annotated[Path, typer.Option(help="folder for the bundle", show_default=False)],
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
    plan: Annotated[Path | None, typer.Option(help="plan.json to follow, from 'osler inspect' or a bundle")] = None,
    folds: o.Folds = None,
    repeats: o.Repeats = None,
    leave_out: o.LeaveOut = None,
    pretrain: o.Pretrain = None,
    refit: o.Refit = False,
    drop_leaks: o.DropLeaks = False,
    allow_leaks: o.AllowLeaks = False,
    language: o.Language = None,
    title: o.Title = None,
    cache: o.Cache = None,
    device: o.Device = None,
) -> None:
    """Train a network and a classical baseline, score them on cases that training never saw, write a bundle."""
    from osler.cli.watch import Terminal
    from osler.flows.train import cases_page
    from osler.flows.train import train as flow

    request = request_of(
        table,
        roles={"id": identity, "group": group, "split": split, "time": time, "weight": weight, "leave_out": leave_out},
        target=target,
        inputs=inputs,
        exclude=exclude,
        subgroups=subgroup,
        settings=settings,
        rest={
            "task": task, "budget": budget, "seed": seed, "language": language, "title": title,
            "folds": folds, "repeats": repeats, "refit": refit or None, "pretrain": pretrain,
            "leaks": leak_word(drop=drop_leaks, allow=allow_leaks),
        },
    )  # fmt: skip
    with Terminal() as watch:
        flow(request, out=out, plan=plan, cache=cache, device=device, watch=watch)
    _show(out, cases=cases_page(out))


def _show(out: Path, *, cases: Path) -> None:
    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    show = show_made if "headline" in scores else show_scores
    show(scores)
    typer.echo(f"bundle  {out}\nreport  {out / 'report.html'}" + (f"\ncases   {cases}" if cases.is_file() else ""))


def show_scores(scores: dict) -> None:
    """Print the measures of bundle, network and baseline beside one another, or why they are withheld."""
    from rich.console import Console
    from rich.table import Table

    if why := scores["origin"].get("withheld"):
        typer.echo(why)
        return
    table = Table(title=TITLES.get(scores["origin"].get("kind"), "scores (95% interval)"))
    for column in ("measure", "bundle", "network", "baseline"):
        table.add_column(column)
    for name in list(scores["test"])[:8]:
        table.add_row(name, *(cell(scores[part].get(name)) for part in ("test", "network", "baseline")))
    console = Console()
    console.print(table)
    if scores["verdict"]:
        console.print(scores["verdict"]["sentence"], markup=False)


def cell(value: dict | None) -> str:
    """Return a value with its interval as text."""
    if value is None or value["value"] is None:
        return "-"
    if value["low"] is None:
        return f"{value['value']:.3g}"
    return f"{value['value']:.3g} ({value['low']:.3g} to {value['high']:.3g})"


def show_made(scores: dict) -> None:
    """Print how good what was made is: the answer in a sentence, then every table of its sections."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(scores["headline"], markup=False)
    for section in scores["sections"].values():
        for name, panel in section["panels"].items():
            measures = list(dict.fromkeys(m for row in panel["rows"] for m in row["values"]))
            table = Table(title=f"{name.replace('_', ' ')} (95% interval)")
            for column in ("", *measures):
                table.add_column(column)
            for row in panel["rows"]:
                table.add_row(row["label"], *(cell(row["values"].get(m)) for m in measures))
            console.print(table)
