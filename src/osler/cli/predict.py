"""`osler predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osler.cli import options as o


def predict(
    bundle: o.Bundle,
    table: o.Rows,
    out: Annotated[
        Path,
        typer.Option(
            help="file for the predictions: .csv, .tsv, .parquet, .arrow, .jsonl; a folder for masks", show_default=False
        ),
    ],
    top: Annotated[int | None, typer.Option(help="keep the best rows alone, so many, the best first", show_default=False)] = None,
    by: Annotated[str | None, typer.Option(help="column of the predictions by which --top chooses", show_default=False)] = None,
    lowest: Annotated[bool, typer.Option("--lowest", help="--top keeps the lowest instead of the highest")] = False,
    alerts: Annotated[
        bool, typer.Option("--alerts", help="name structural alerts of the molecules written; far slower than predictions")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="processes that read  [default: one per processor]", show_default=False)
    ] = None,
    source: o.Source = None,
    device: o.Device = None,
) -> None:
    """Predict each row of a table, in its order; rows that cannot be used say why in the column 'refused'.

    A file of molecules (.smi, .sdf, also packed) is a table too: each record is a row.

    A bundle of segmentation writes a mask of each case into the folder, and cases.csv with what they hold."""
    from osler.cli.request import sources_of, top_of
    from osler.cli.watch import Terminal
    from osler.flows.predict import predict as flow

    with Terminal() as watch:
        flow(
            bundle,
            table,
            out=out,
            top=top_of(top, by=by, lowest=lowest),
            workers=workers,
            alerts=alerts,
            sources=sources_of(source),
            device=device,
            watch=watch,
        )
    typer.echo(f"predictions  {out}")
