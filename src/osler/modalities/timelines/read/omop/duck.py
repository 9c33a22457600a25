"""Tables in a DuckDB file, read by DuckDB's own module: its dialect for SQLAlchemy has had no release since March 2025."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from osler.core.errors import MissingExtra, RequestError, RunError, did_you_mean
from osler.modalities.timelines.read.omop.tables import CONCEPTS, READ, ROWS

if TYPE_CHECKING:
    import polars as pl


class Duck:
    """The tables of a DuckDB file, opened to be read; chunks come as Arrow, without a Python object per cell."""

    def __init__(self, path: Path, *, schema: str | None, vocabulary: str | None) -> None:
        try:
            import duckdb
        except ModuleNotFoundError:
            raise MissingExtra(package="duckdb", extra="timelines") from None
        self.name = f"database '{path.name}'"
        self._places: dict[str, tuple[str, str]] = {}
        self._actual: dict[str, dict[str, str]] = {}
        # a stranger's file must not fetch extensions or open other files
        guarded: dict[str, str | bool | int | float | list[str]] = {
            "enable_external_access": "false",
            "autoload_known_extensions": "false",
            "memory_limit": "1GB",
        }
        try:
            self._connection = duckdb.connect(str(path), read_only=True, config=guarded)
            self._find(schema or "main", vocabulary or schema or "main")
        except (duckdb.Error, OSError):
            raise RequestError(
                f"{self.name} cannot be opened as DuckDB: check that it is whole, and that no other process writes to it"
            ) from None
        self.columns: Mapping[str, Sequence[str]] = {table: list(names) for table, names in self._actual.items()}

    def _find(self, schema: str, vocabulary: str) -> None:
        found = self._connection.execute(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns ORDER BY ordinal_position"
        ).fetchall()
        schemas = {place for place, _, _ in found} | {"main"}
        for asked in (schema, vocabulary):
            if asked not in schemas:
                raise RequestError(f"{self.name} has no schema '{asked}'{did_you_mean(asked, sorted(schemas))}")
        for place, table, column in found:
            name = table.lower()
            if (place == schema and name in READ) or (place == vocabulary and name == CONCEPTS):
                self._places[name] = (place, table)
                self._actual.setdefault(name, {})[column.lower()] = column

    def rows(self, table: str, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield the columns `names` of a table in chunks."""
        yield from self._asked(f"SELECT {self._columns(table, names)} FROM {self._from(table)}", table=table)  # noqa: S608 - quoted

    def concepts(self, ids: Sequence[int]) -> pl.DataFrame:
        """Return the rows of the concept table with these ids."""
        import polars as pl

        names = ("concept_id", "vocabulary_id", "concept_code", "concept_name")
        query = f"SELECT {self._columns(CONCEPTS, names)} FROM {self._from(CONCEPTS)} WHERE concept_id IN (SELECT unnest(?::BIGINT[]))"  # noqa: S608 - quoted
        schema = {"concept_id": pl.Int64, **dict.fromkeys(names[1:], pl.String)}
        found = [part.cast(schema) for part in self._asked(query, table=CONCEPTS, given=[list(ids)])]  # type: ignore[arg-type]
        return pl.concat([pl.DataFrame(schema=schema), *found])

    def _asked(self, query: str, *, table: str, given: Sequence[object] = ()) -> Iterator[pl.DataFrame]:
        import polars as pl

        with self._reading(table):
            for batch in self._connection.cursor().sql(query, params=list(given)).to_arrow_reader(ROWS):
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame

    def _columns(self, table: str, names: Sequence[str]) -> str:
        return ", ".join(f"{_quoted(self._actual[table][name])} AS {_quoted(name)}" for name in names)

    def _from(self, table: str) -> str:
        return ".".join(map(_quoted, self._places[table]))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _reading(self, table: str) -> Iterator[None]:
        import duckdb
        import pyarrow as pa

        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError):
            raise RunError(
                f"{self.name} could not be read on in the table '{table}'; nothing of it is kept: see that the file is whole, then start again"
            ) from None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
