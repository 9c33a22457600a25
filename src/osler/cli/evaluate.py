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
    device: o.Device = None,
) -> None:
    """Score a bundle on new data: the same measures and the same report."""
    from osler.cli.train import show_scores
    from osler.cli.watch import Terminal
    from osler.flows.evaluate import evaluate as flow

    with Terminal() as watch:
        scores = flow(bundle, table, out=out, subgroups=tuple(subgroup or ()), device=device, watch=watch)
    show_scores(scores.to_dict())
    typer.echo(f"report  {out / 'report.html'}")
