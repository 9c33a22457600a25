"""`osler data list` and `osler data get`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

data_app = typer.Typer(help="Public data sets as ready studies.", no_args_is_help=True)


@data_app.command("list")
def list_entries() -> None:
    """List the data sets that can be had."""
    from rich.console import Console
    from rich.table import Table

    from osler.flows.data import entries

    table = Table()
    for column in ("name", "title", "rows", "licence"):
        table.add_column(column)
    for entry in entries():
        table.add_row(entry.name, entry.title, f"{entry.rows:,}", entry.licence)
    Console().print(table)


@data_app.command("get")
def get_entry(
    name: Annotated[str, typer.Argument(help="as 'osler data list' names it", show_default=False)],
    to: Annotated[Path, typer.Option(help="folder for table.csv and study.yaml", show_default=False)],
    mirror: Annotated[Path | None, typer.Option(help="local folder that holds the original files")] = None,
) -> None:
    """Write a public data set as a study: table.csv, its files, study.yaml. Pictures and records are fetched from their home, or a mirror."""
    from osler.cli.watch import Terminal
    from osler.flows.data import get

    with Terminal() as watch:
        study = get(name, to=to, mirror=mirror, watch=watch)
    typer.echo(f"study  {study}\nnext   osler train {study} --out {to / 'model'}")
