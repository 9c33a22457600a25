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
    source: o.Source = None,
    device: o.Device = None,
) -> None:
    """Predict each row of a table, in its order; rows that cannot be used say why in the column 'refused'.

    A bundle of segmentation writes a mask of each case into the folder, and cases.csv with what they hold."""
    from osler.cli.request import sources_of
    from osler.cli.watch import Terminal
    from osler.flows.predict import predict as flow

    with Terminal() as watch:
        flow(bundle, table, out=out, sources=sources_of(source), device=device, watch=watch)
    typer.echo(f"predictions  {out}")
