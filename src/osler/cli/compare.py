"""`osler compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osler.cli import options as o

if TYPE_CHECKING:
    from osler.core.comparison import Comparison


def compare(
    first: o.Bundle,
    second: Annotated[Path, typer.Argument(help="another bundle that predicts the same", show_default=False)],
    table: o.Rows,
    out: Annotated[Path | None, typer.Option(help="file for the comparison (.json)")] = None,
    source: o.Source = None,
    device: o.Device = None,
) -> None:
    """Compare two bundles on the same cases, in pairs."""
    from osler.cli.request import sources_of
    from osler.cli.watch import Terminal
    from osler.flows.compare import compare as flow

    with Terminal() as watch:
        found = flow(first, second, table, out=out, sources=sources_of(source), device=device, watch=watch)
    _show(found)
    if out is not None:
        typer.echo(f"comparison  {out}")


def _show(found: Comparison) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from osler.cli.train import cell

    table = Table(title=f"{found.counts['cases']} cases, the same for both (95% interval)")
    for column in ("measure", *found.names, "difference"):
        table.add_column(escape(column))
    for name, difference in list(found.differences.items())[:20]:
        table.add_row(name, *(cell(v.to_dict()) for v in (found.first[name], found.second[name], difference)))
    console = Console()
    console.print(table)
    console.print(found.verdict.sentence, markup=False)
    if found.probabilities is not None and found.probabilities != found.verdict:
        console.print(found.probabilities.sentence, markup=False)
    for note in found.notes:
        console.print(note, markup=False)
