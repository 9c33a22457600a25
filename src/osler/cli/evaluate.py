"""`osler evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osler.cli import options as o


def evaluate(
    bundle: o.Bundle,
    table: o.Rows,
    out: Annotated[Path, typer.Option(help="folder for scores.json and report.html", show_default=False)],
    subgroup: o.Subgroup = None,
    recalibrate: Annotated[Path | None, typer.Option(help="folder for a bundle whose outputs are fitted to this data")] = None,
    despite_drift: Annotated[
        bool, typer.Option("--despite-drift", help="recalibrate even where columns are in other units than in training")
    ] = False,
    source: o.Source = None,
    device: o.Device = None,
) -> None:
    """Score a bundle on new data: the same measures and the same report."""
    from osler.cli.request import sources_of
    from osler.cli.train import show_scores
    from osler.cli.watch import Terminal
    from osler.flows.evaluate import evaluate as flow

    with Terminal() as watch:
        scores = flow(
            bundle, table, out=out, subgroups=subgroup or (), recalibrate=recalibrate, despite_drift=despite_drift,
            sources=sources_of(source), device=device, watch=watch,
        )  # fmt: skip
    show_scores(scores.to_dict())
    if recalibrate is not None:
        typer.echo(next(note for note in reversed(scores.notes) if note.startswith("recalibrated: ")))
        typer.echo(f"bundle  {recalibrate}")
    typer.echo(f"report  {out / 'report.html'}\ncases   {out / 'cases.html'}")
