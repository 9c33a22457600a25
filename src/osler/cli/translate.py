"""`osler translate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osler.cli import options as o


def translate(
    bundle: o.Bundle,
    table: o.Rows,
    out: Annotated[Path, typer.Option(help="folder for the images, and cases.csv with a line per row", show_default=False)],
    back: Annotated[
        bool, typer.Option("--back", help="from target to source, which a bundle trained without pairs can do too")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="processes that read  [default: one per processor]", show_default=False)
    ] = None,
    device: o.Device = None,
) -> None:
    """Translate the image of each row into another kind, with a bundle that was trained with --task translation.

    DICOM becomes a derived DICOM series, a picture a PNG, every other volume NIfTI: in the geometry of the row's own file, and marked as
    synthetic inside. Rows that cannot be translated say why in the column 'refused' of cases.csv.

    A folder of files, or one file, is a table too."""
    from osler.cli.watch import Terminal
    from osler.flows.translate import translate as flow

    with Terminal() as watch:
        flow(bundle, Path(table), out=out, back=back, workers=workers, device=device, watch=watch)
    typer.echo(f"images  {out / 'images'}\ncases  {out / 'cases.csv'}")
