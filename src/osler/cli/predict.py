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
    reference: Annotated[
        Path | None, typer.Option(help="of variants (VCF, BCF): the FASTA file of the genome", show_default=False)
    ] = None,
    assembly: Annotated[
        str | None, typer.Option(help="name of the reference's assembly, where its lengths do not tell it", show_default=False)
    ] = None,
    device: o.Device = None,
) -> None:
    """Predict each row of a table, in its order; rows that cannot be used say why in the column 'refused'.

    A file of molecules (.smi, .sdf) or sequences (.fa), also packed, is a table too: each record is a row.

    A bundle of segmentation writes a mask of each case into the folder, and cases.csv with what they hold; one of tracks a list in a cell.

    A bundle of sequences scores a file of variants (.vcf, .vcf.gz, .bcf) on a reference, and writes .vcf or .vcf.gz."""
    from osler.cli.request import sources_of, top_of, variants_asked
    from osler.cli.watch import Terminal
    from osler.flows.predict import predict as flow

    given = {"--top": top, "--by": by, "--lowest": lowest, "--workers": workers, "--alerts": alerts, "--source": source}
    asked = variants_asked(table, reference=reference, assembly=assembly, others=given)
    if asked is not None:
        _score(bundle, table, out=out, reference=asked, assembly=assembly, device=device)
        return
    best, places = top_of(top, by=by, lowest=lowest), sources_of(source)
    with Terminal() as watch:
        flow(
            bundle, table, out=out, top=best, workers=workers, alerts=alerts, sources=places, device=device, watch=watch
        )  # fmt: skip
    typer.echo(f"predictions  {out}")


def _score(bundle: Path, table: str, *, out: Path, reference: Path, assembly: str | None, device: str | None) -> None:
    from osler.cli.watch import Terminal
    from osler.flows.variants import score_variants

    with Terminal() as watch:
        score_variants(bundle, table, out=out, reference=reference, assembly=assembly, device=device, watch=watch)
    typer.echo(f"variants  {out}")
