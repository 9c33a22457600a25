"""`osler explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osler.cli import options as o


def explain(
    bundle: o.Bundle,
    table: o.Rows,
    out: Annotated[Path, typer.Option(help="folder for explanation.html and explanation.json", show_default=False)],
    case: Annotated[list[str] | None, typer.Option(help="id of the case, in the bundle's id column; repeat for several")] = None,
    row: Annotated[list[int] | None, typer.Option(help="number of the case's row, from 1; repeat for several")] = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", help="of several targets, the one to explain; repeatable")
    ] = None,
    level: Annotated[list[str] | None, typer.Option("--class", help="class to explain instead of the predicted one")] = None,
    language: Annotated[str | None, typer.Option(help="of the page: en or zh  [default: the bundle's]")] = None,
    source: o.Source = None,
    device: o.Device = None,
    motifs: Annotated[
        Path | None, typer.Option(help="of sequences, a file of known motifs (MEME or JASPAR text) that name those that recur")
    ] = None,
) -> None:
    """Show what in a case speaks for its prediction. The page holds the case's values: keep it as you keep the table."""
    from osler.cli.request import sources_of
    from osler.cli.watch import Terminal
    from osler.flows.explain import PAGE, Asked
    from osler.flows.explain import explain as flow

    asked = Asked(tuple(case or ()), tuple(row or ()), tuple(target or ()), tuple(level or ()), motifs)
    with Terminal() as watch:
        found = flow(
            bundle, table, out=out, asked=asked, language=language, sources=sources_of(source), device=device, watch=watch
        )
    for one in found:
        if one["refused"]:
            typer.echo(f"row {one['row']} has no prediction: {one['refused']}")
    typer.echo(f"explanation  {out / PAGE}")
