"""`osler demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osler.cli import options as o


def demo(
    out: Annotated[Path, typer.Option(help="folder for studies, bundles and reports")] = Path("demo"),
    cache: o.Cache = None,
) -> None:
    """Train small real studies from data inside installed packages, and a simulated one; downloads nothing."""
    from osler.cli.watch import Terminal
    from osler.flows.demo import demo as flow

    with Terminal() as watch:
        shown = list(flow(out, cache=cache, watch=watch))
    for study in shown:
        typer.echo(f"{study.name}: {study.measure} {study.value} on the test split")
        typer.echo(f"  report       {study.report}")
        typer.echo(f"  predictions  {study.predictions}")
        if study.map is not None:
            typer.echo(f"  map          {study.map}")
            typer.echo(f"               {study.headline}")
        if study.hits is not None:
            typer.echo(f"  screen       {study.hits}")
