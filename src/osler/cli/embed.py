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
    map_to: Annotated[
        Path | None, typer.Option("--map", help="draw a map of the rows too: .html or .svg", show_default=False)
    ] = None,
    colour: Annotated[str | None, typer.Option(help="column that colours the map's points", show_default=False)] = None,
    source: o.Source = None,
    device: o.Device = None,
) -> None:
    """Represent each row of a table by a vector, in its order; rows that cannot be used say why in the column 'refused'.

    The bundle is one that was trained with --task representation. A folder of files, or one file, that it opens is a table too."""
    from osler.cli.request import sources_of
    from osler.cli.watch import Terminal
    from osler.core.errors import RequestError
    from osler.flows.embed import embed as flow

    if colour is not None and map_to is None:
        raise RequestError("--colour colours a map; name its file with --map")
    places = sources_of(source)
    with Terminal() as watch:
        drawn = None if map_to is None else (map_to, colour)
        flow(bundle, table, out=out, workers=workers, sources=places, device=device, map_to=drawn, watch=watch)
    typer.echo(f"vectors  {out}")
    if map_to is not None:
        typer.echo(f"map      {map_to}")
