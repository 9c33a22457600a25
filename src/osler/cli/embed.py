"""`osler embed`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osler.cli import options as o


def embed(
    bundle: o.Bundle,
    table: o.Rows,
    out: Annotated[Path, typer.Option(help="file for the vectors: .parquet, .csv, .tsv, .arrow, .jsonl", show_default=False)],
    workers: Annotated[
        int | None, typer.Option(help="processes that read  [default: one per processor]", show_default=False)
    ] = None,
    source: o.Source = None,
    device: o.Device = None,
) -> None:
    """Represent each row of a table by a vector, in its order; rows that cannot be used say why in the column 'refused'.

    The bundle is one that was trained with --task representation. A folder of files, or one file, that it opens is a table too."""
    from osler.cli.request import sources_of
    from osler.cli.watch import Terminal
    from osler.flows.embed import embed as flow

    places = sources_of(source)
    with Terminal() as watch:
        flow(bundle, table, out=out, workers=workers, sources=places, device=device, watch=watch)
    typer.echo(f"vectors  {out}")
