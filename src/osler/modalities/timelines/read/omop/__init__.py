"""OMOP CDM v5.4: a folder of tables as CSV or Parquet, or a database by its SQLAlchemy URL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.core.errors import TableError
from osler.modalities.timelines.case import Piece
from osler.modalities.timelines.read.omop import database
from osler.modalities.timelines.read.omop.disk import Files, found
from osler.modalities.timelines.read.omop.tables import CLINICAL, PERSON, READ, Tables

if TYPE_CHECKING:
    from osler.modalities.timelines.read.source import Source

OPTIONS = ("coded", "codes", "midnight")  # beside those of every source


def recognises(path: Path | str) -> bool:
    """Whether `path` is a folder with the table `person` and one of events, a file of SQLite or DuckDB, or a database's URL."""
    if database.is_url(path):
        return True
    path = Path(path)
    if path.is_file():
        return database.is_file(path)
    try:
        tables = found(path) if path.is_dir() else {}
    except (OSError, TableError):
        return False
    return PERSON in tables and len(tables) > 1


def files(source: Source) -> list[Path]:
    """Return the files of the tables that are read; of a database the file that holds it, none for a server."""
    if database.is_url(source.place) or Path(source.place).is_file():
        return database.files(source.place)
    return [path for paths in found(Path(source.place)).values() for path in paths]


def relative(source: Source) -> bool:  # noqa: ARG001 - the protocol's
    """Return False: OMOP counts by the calendar."""
    return False


def splits(source: Source) -> Mapping[str, str]:  # noqa: ARG001 - the protocol's
    """Return {}: OMOP knows no official split."""
    return {}


def pieces(source: Source) -> Iterator[Piece]:
    """Yield the events of all tables in bounded memory.

    Options: `coded` ("discharge" or "recorded"), `codes` ("standard" or "source" concepts first), `midnight` ("clock" or "date"), `zone`. Raises
    TableError for a folder or database without the table `person`, RequestError for a database that cannot be reached, RunError for one
    that goes away.
    """
    from osler.modalities.timelines.read.omop.events import Context

    options = Context.options(source.options)
    refused: Counter[str] = Counter()
    tables = _tables(source, refused=refused)
    try:
        for piece in _events(tables, options=options):
            counted = Counter(piece.refused) + refused
            refused.clear()
            yield Piece(piece.rows, dict(counted))
    finally:
        tables.close()
    if refused:
        import polars as pl

        from osler.modalities.timelines.read.omop.events import piece as of_rows

        yield Piece(of_rows(pl.Series([], dtype=pl.String), None, code="").rows, dict(refused))


def _tables(source: Source, *, refused: Counter[str]) -> Tables:
    place = source.place
    at_file = not database.is_url(place) and Path(place).is_file()
    tables: Tables = database.connect(place) if database.is_url(place) or at_file else Files(Path(place), refused=refused)
    if PERSON not in tables.columns:
        hint = "; another schema is given as ?schema=NAME behind the URL" if database.is_url(place) or at_file else ""
        there = ", ".join(sorted(set(tables.columns) & READ)) or "none of OMOP's"
        tables.close()
        raise TableError(f"{tables.name} has no table 'person'; wanted the tables of OMOP CDM v5.4, found {there}{hint}")
    return tables


def _events(tables: Tables, *, options: Mapping[str, Any]) -> Iterator[Piece]:
    from osler.modalities.timelines.read.omop import people
    from osler.modalities.timelines.read.omop.concepts import Concepts
    from osler.modalities.timelines.read.omop.events import Context, clinical

    stays = people.stays(tables, clock=options["clock"])
    context = Context(concepts=Concepts(tables), stays=stays, **options)
    for room in (people.persons, people.periods, people.visits, people.deaths):
        yield from room(tables, context=context)
    for kind in CLINICAL:
        yield from clinical(kind, tables=tables, context=context)
