"""`osler data list`, `osler data get` and `osler data deidentify`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

data_app = typer.Typer(help="Public data sets as ready studies; your own without the person.", no_args_is_help=True)


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


@data_app.command("deidentify")
def deidentify_files(
    source: Annotated[Path, typer.Argument(metavar="IN", help="folder, or one file; it is never changed", show_default=False)],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="folder that is empty or not there yet", show_default=False)],
    retain: Annotated[
        list[str] | None,
        typer.Option(
            help="option of the profile: modified-dates, full-dates, uids, patient-characteristics, device-identity, institution-identity, safe-private; repeatable"
        ),
    ] = None,
    clean: Annotated[
        list[str] | None,
        typer.Option(
            help="option of the profile: descriptors, graphics, structured-content, pixel-data, visual-features; repeatable"
        ),
    ] = None,
    key: Annotated[Path | None, typer.Option(help="file with a secret that makes runs agree; made where it is not there")] = None,
    keep_names: Annotated[
        bool, typer.Option("--keep-names", help="keep the names of files and folders; they may be a person's")
    ] = False,
    language: Annotated[str, typer.Option(help="of the report: en or zh")] = "en",
) -> None:
    """Write files without the person: DICOM by the basic profile of PS3.15 Annex E; texts of NIfTI, NRRD, MHA, PNG, JPEG, TIFF removed."""
    from osler.cli.watch import Terminal
    from osler.flows.deidentify import deidentify

    with Terminal() as watch:
        done = deidentify(
            source, out, retain=retain or (), clean=clean or (), key=key, keep_names=keep_names, language=language, watch=watch
        )
    typer.echo(f"written  {done.written:,} of {done.files:,} files to {out}")
    if done.refused:
        typer.echo(f"refused  {done.refused.total():,}: {_told(done.refused, 'refused', language)}")
    if done.warned:
        typer.echo(f"look at  {_told(done.warned, 'warning', language)}")
    typer.echo(f"report   {done.reports[0]}\nnames    {done.reports[2]} (names of the source: keep it with the originals)")


def _told(counts: Counter[str], kind: str, language: str) -> str:
    from osler.language import words

    said = words(language)
    return "\n         ".join(f"{number:,} × {said[f'deid.{kind}.{code}']}" for code, number in counts.most_common())
