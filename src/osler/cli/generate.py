"""`osler generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osler.cli import options as o


def generate(
    bundle: o.Bundle,
    count: Annotated[int, typer.Option(help="how many pictures", show_default=False)],
    out: Annotated[Path, typer.Option(help="new folder for the pictures and table.csv", show_default=False)],
    label: Annotated[str | None, typer.Option("--class", help="of all of them  [default: as frequent as in training]")] = None,
    seed: Annotated[int, typer.Option(help="of the noise that they are made of")] = 0,
    device: o.Device = None,
) -> None:
    """Make pictures with a bundle of 'osler train --task synthesis'. Each file says inside that it is synthetic."""
    from osler.cli.watch import Terminal
    from osler.flows.generate import generate as flow

    with Terminal() as watch:
        table = flow(bundle, count=count, out=out, label=label, seed=seed, device=device, watch=watch)
    typer.echo(f"table  {table}")
