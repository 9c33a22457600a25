"""Tables in a database: a server or SQLite through SQLAlchemy, DuckDB by its own module, which hands over Arrow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.core.errors import MissingExtra, RequestError, RunError
from osler.modalities.timelines.read.omop.copying import copied
from osler.modalities.timelines.read.omop.tables import CONCEPTS, READ

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy.engine import URL

    from osler.modalities.timelines.read.omop.tables import Tables

_URL = re.compile(r"[A-Za-z][\w+.-]+://")
_SQLITE, _DUCKDB = b"SQLite format 3\0", b"DUCK"  # the second stands at byte 8
_PLAIN = re.compile(r"[\w.-]+")
# of a session with PostgreSQL: dates as they are read here, and the rows of a table that has not changed in one order
_SESSION = ("datestyle = 'ISO'", "synchronize_seqscans = off", "max_parallel_workers_per_gather = 0")
OURS = frozenset({"schema", "vocabulary", "sslmode"})  # of a URL's query


def is_url(place: Path | str) -> bool:
    """Whether `place` is the address of a database."""
    return isinstance(place, str) and _URL.match(place) is not None


def is_file(path: Path) -> bool:
    """Whether a file is a database of SQLite or DuckDB, from its first bytes."""
    return _file_kind(path) != ""


def _file_kind(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError:
        return ""
    return "sqlite" if start == _SQLITE else "duckdb" if start[8:12] == _DUCKDB else ""


def files(place: Path | str) -> list[Path]:
    """Return the file that a database lies in, nothing for a server."""
    path = Path(_address(place).database or "") if is_url(place) and _address(place).host is None else Path(place)
    return [path] if path.is_file() else []


def connect(place: Path | str) -> Tables:
    """Return the tables of a database; raises RequestError where it cannot be reached or opened, never quoting a password."""
    url = _address(place)
    if url.get_backend_name() == "duckdb":
        from osler.modalities.timelines.read.omop.duck import Duck

        return Duck(_existing(url), schema=_asked(url, "schema"), vocabulary=_asked(url, "vocabulary"))
    return Database(url)


def _address(place: Path | str) -> URL:
    """Return the URL of a place; one without a driver gets ours, because SQLAlchemy's first choice is under the LGPL."""
    try:
        from sqlalchemy import make_url
        from sqlalchemy.engine import URL
        from sqlalchemy.exc import ArgumentError
    except ModuleNotFoundError:
        raise MissingExtra(package="sqlalchemy", extra="timelines") from None
    if not is_url(place):
        return URL.create(_file_kind(Path(place)), database=str(place))
    try:
        url = make_url(str(place))
    except (ArgumentError, ValueError):  # ValueError: a port that is no number; both quote the URL
        url = None
    # of "u:a@b/c@host" the host would be "b", which is a part of the password
    if url is None or str(place).count("@") > 1:
        raise RequestError(
            "the database's URL cannot be read; wanted KIND://USER:PASSWORD@HOST:PORT/NAME with signs such as @, / and : in a password "
            "written as %40, %2F and %3A"
        )
    return url.set(drivername="postgresql+pg8000") if url.drivername in {"postgresql", "postgres"} else url


def _asked(url: URL, name: str) -> str | None:
    given = url.query.get(name)
    return given if isinstance(given, str) else None


def _existing(url: URL) -> Path:
    """Return the file of a URL; a database that is not there would be made by being opened."""
    path = Path(url.database or "")
    if not path.is_file():
        raise RequestError(f"no database file '{path}'; after KIND:// a relative path has one more slash, an absolute path two")
    return path


def told(url: URL) -> str:
    """Return what messages call a database; a part that holds odd signs may be a password and is left out."""
    name, host = url.database or "", url.host or ""
    if not host:
        return f"database '{Path(name).name}'"
    shown = f" '{name}'" if _PLAIN.fullmatch(name) else ""
    return f"database{shown}" + (
        f" on '{host}:{url.port}'" if _PLAIN.fullmatch(host) and url.port else f" on '{host}'" if _PLAIN.fullmatch(host) else ""
    )


class Database:
    """The tables of a database behind SQLAlchemy, read in one transaction, so that all are of one moment."""

    rows_at_once = 1 << 15  # as Python objects; some 30 MB

    def __init__(self, url: URL) -> None:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        self.name = told(url)
        self._served = url.host is not None
        self._schema = _asked(url, "schema")
        self._vocabulary = _asked(url, "vocabulary") or self._schema
        with self._opening(url):
            self._engine = create_engine(_bare(url), poolclass=NullPool, **_settings(url))
            self._connection = self._engine.connect().execution_options(**_options(url))
            if url.get_backend_name() == "postgresql":
                from sqlalchemy import text

                for setting in _SESSION:
                    self._connection.execute(text(f"SET {setting}"))
            self._tables, self._actual = self._reflected()
        self.columns: Mapping[str, Sequence[str]] = {table: list(names) for table, names in self._actual.items()}

    def _reflected(self) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
        """Return the table to ask for, and its columns by their names in lower case, of each table that is read."""
        import warnings

        from sqlalchemy import column, inspect, table

        inspector = inspect(self._connection)
        self._check_schemas(inspector.get_schema_names())
        tables, actual = {}, {}
        for schema, wanted in ((self._schema, READ), (self._vocabulary, frozenset({CONCEPTS}))):
            for name in (*inspector.get_table_names(schema), *inspector.get_view_names(schema)):
                if name.lower() not in wanted:
                    continue
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of types that SQLAlchemy does not know; they are read as text
                    names = [str(c["name"]) for c in inspector.get_columns(name, schema)]
                tables[name.lower()] = table(name, *map(column, names), schema=schema)
                actual[name.lower()] = {n.lower(): n for n in names}
        return tables, actual

    def _check_schemas(self, known: Sequence[str]) -> None:
        from osler.core.errors import did_you_mean

        for schema in (self._schema, self._vocabulary):
            if schema is not None and schema not in known:
                raise RequestError(f"{self.name} has no schema '{schema}'{did_you_mean(schema, known)}")

    def rows(self, table: str, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield the columns `names` of a table in chunks, all as text: the server, not Python, writes its dates and numbers."""
        from sqlalchemy import String, cast, select

        source, actual = self._tables[table], self._actual[table]
        query = select(*[cast(source.c[actual[name]], String).label(name) for name in names])
        with self._reading(table):
            if self._engine.driver == "pg8000":
                yield from copied(self._driven(), str(query.compile(self._engine)), names=names)
            else:
                yield from self._fetched(query, names)

    def _driven(self) -> Any:
        """Return the driver's own connection."""
        return self._connection.connection.dbapi_connection

    def _fetched(self, query: Any, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        import polars as pl

        result = self._connection.execution_options(stream_results=True, yield_per=self.rows_at_once).execute(query)
        for part in result.partitions(self.rows_at_once):
            cells = zip(*part, strict=True)
            yield pl.DataFrame([pl.Series(name, values, dtype=pl.String) for name, values in zip(names, cells, strict=True)])

    def concepts(self, ids: Sequence[int]) -> pl.DataFrame:
        """Return the rows of the concept table with these ids, asked for over a connection of its own."""
        import polars as pl
        from sqlalchemy import String, cast, select

        source, actual = self._tables[CONCEPTS], self._actual[CONCEPTS]
        names = ("vocabulary_id", "concept_code", "concept_name")
        key = source.c[actual["concept_id"]]
        found: list[tuple[Any, ...]] = []
        with self._reading(CONCEPTS), self._engine.connect() as second:
            for start in range(0, len(ids), 500):  # SQLite takes 999 in one question in its older versions
                query = select(key, *[cast(source.c[actual[name]], String) for name in names])
                found += map(tuple, second.execute(query.where(key.in_(ids[start : start + 500]))))
        schema = {"concept_id": pl.Int64, **dict.fromkeys(names, pl.String)}
        return pl.DataFrame(found, schema=schema, orient="row", strict=False)

    def close(self) -> None:
        """Close the connection; one that is gone already is none to close.

        Nothing was written, so nothing is rolled back: a server in the midst of an answer would not hear it.
        """
        with suppress(Exception):
            self._connection.invalidate()
            self._connection.close()
        self._engine.dispose()

    @contextmanager
    def _opening(self, url: URL) -> Iterator[None]:
        import sqlalchemy.exc as faults

        try:
            yield
        except faults.NoSuchModuleError:
            raise RequestError(
                f"databases of kind '{url.get_backend_name()[:40]}' are not known here; wanted postgresql, sqlite or duckdb"
            ) from None
        except ModuleNotFoundError as error:
            if error.name == "pg8000":
                raise MissingExtra(package="pg8000", extra="timelines") from None
            raise RequestError(f"the driver for '{url.drivername}' is not installed; install '{error.name}'") from None
        except (faults.SQLAlchemyError, OSError, UnicodeError) as error:
            cure = _cure(error) if self._served else "check that the file is whole, and a database of this kind"
            raise RequestError(f"{self.name} cannot be opened: {cure}") from None

    @contextmanager
    def _reading(self, table: str) -> Iterator[None]:
        try:
            yield
        except _faults() as error:
            if _state(error) == "42501":
                raise RequestError(
                    f"{self.name}: the user may not read the table '{table}'; ask for the right to SELECT"
                ) from None
            gone = "went away in the middle of the table" if self._served else "could not be read on in the table"
            cure = "see that it runs" if self._served else "see that the file is whole"
            raise RunError(f"{self.name} {gone} '{table}'; nothing of it is kept: {cure}, then start again") from None


def _bare(url: URL) -> URL:
    """Return the URL without the parts that are ours, with the password of the environment where it has none."""
    import os

    bare = url.difference_update_query(OURS)
    if bare.get_backend_name() == "postgresql" and bare.password is None and (password := os.environ.get("PGPASSWORD")):
        bare = bare.set(password=password)
    return bare


def _settings(url: URL) -> dict[str, Any]:
    """Return how the engine connects: SQLite to read only, PostgreSQL with an end to waiting, and encrypted where asked."""
    import sqlite3
    import ssl
    from urllib.parse import quote

    if url.get_backend_name() == "sqlite":
        path = _existing(url)

        def opened() -> sqlite3.Connection:
            connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, check_same_thread=False)
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")  # the error for other bytes quotes them
            return connection

        return {"creator": opened}
    if url.get_backend_name() == "postgresql" and url.get_driver_name() == "pg8000":
        _check_query(url)
        mode = _asked(url, "sslmode") or "disable"
        secure = {} if mode in {"disable", "allow", "prefer"} else {"ssl_context": ssl.create_default_context()}
        # seconds; without it a server that vanished without a word would be waited for without end
        return {"connect_args": {"timeout": 600, **secure}}
    return {}


def _check_query(url: URL) -> None:
    from osler.core.errors import did_you_mean

    if odd := sorted(set(url.query) - OURS):
        raise RequestError(f"the URL's query has '{odd[0]}', which is not known{did_you_mean(odd[0], sorted(OURS))}")


def _options(url: URL) -> dict[str, Any]:
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if url.get_backend_name() == "postgresql" else {}


def _faults() -> tuple[type[Exception], ...]:
    """Return what can be raised while rows are read: by SQLAlchemy, by the system, by pg8000 in an answer that is cut off."""
    import struct

    from sqlalchemy.exc import SQLAlchemyError

    # UnicodeError: of SQLite, where a damaged file spoils the words of its error
    known = [SQLAlchemyError, OSError, struct.error, UnicodeError]
    with suppress(ModuleNotFoundError):
        from pg8000 import Error

        known.append(Error)
    return tuple(known)


# SQLSTATE of PostgreSQL's manual, appendix A
_CURES = {
    "28P01": "the password is wrong; check user and password",
    "28000": "the user is not let in; check user, password and the server's pg_hba.conf",
    "3D000": "there is no database of this name; check what stands behind the last slash of the URL",
    "53300": "it has too many connections; try again later",
}


def _state(error: BaseException) -> str:
    """Return the SQLSTATE that a driver's error carries, "" where it has none."""
    for inner in (getattr(error, "orig", None), error):
        first = inner.args[0] if isinstance(inner, BaseException) and inner.args else None
        if isinstance(first, dict):
            return str(first.get("C", ""))
    return ""


def _cure(error: BaseException) -> str:
    """Return what to check, from the error's number alone: its words may quote the URL."""
    state = _state(error)
    return _CURES.get(state, "check host, port, and that the server runs" + (f" (it says {state})" if state else ""))
