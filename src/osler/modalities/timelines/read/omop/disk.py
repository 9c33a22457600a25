"""OMOP tables as files: CSV (also .gz; Athena's with tabs) or Parquet, one file or one folder of parts per table."""

from __future__ import annotations

import codecs
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from osler.core.errors import TableError
from osler.modalities.timelines.read.billing import BROKEN
from osler.modalities.timelines.read.folder import listed, opened, reading
from osler.modalities.timelines.read.omop.tables import CONCEPTS, READ, ROWS

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
_PARQUET = ".parquet"
_BLOCK = 8 << 20  # bytes of CSV that become one chunk
# Names are kept of concepts that are values, units or traits of a person; all of Athena's would fill another gigabyte.
_NAMED = ("Meas Value", "Unit", "Gender", "Race", "Ethnicity", "Visit")


def found(folder: Path) -> dict[str, list[Path]]:
    """Return the files of each table that is read; raises TableError where a table is there in two forms."""
    tables: dict[str, list[Path]] = {}
    for path in listed(folder, endings=ENDINGS):
        at_home = path.parent == folder
        table = (_stem(path) if at_home else path.relative_to(folder).parts[0]).lower()
        if table in READ | {CONCEPTS}:
            tables.setdefault(table, []).append(path)
    for table, paths in tables.items():
        if len(paths) > 1 and any(path.parent == folder for path in paths):
            names = ", ".join(f"'{path.relative_to(folder)}'" for path in paths[:3])
            raise TableError(
                f"table '{table}' is in '{folder.name}' {len(paths)} times: {names}; leave one, its rows would count twice"
            )
    return tables


def _stem(path: Path) -> str:
    name = path.name.lower()
    return next(name.removesuffix(ending) for ending in sorted(ENDINGS, key=len, reverse=True) if name.endswith(ending))


class Files:
    """The tables of a folder."""

    def __init__(self, folder: Path, *, refused: Counter[str]) -> None:
        self.name = f"'{folder.name}'"
        self._files = found(folder)
        self._refused = refused
        self._actual = {table: _header(paths[0]) for table, paths in self._files.items()}
        self.columns: Mapping[str, Sequence[str]] = {table: list(names) for table, names in self._actual.items()}
        self._known: pl.DataFrame | None = None

    def rows(self, table: str, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield the rows of a table's files; those of CSV are text."""
        import polars as pl

        for path in self._files[table]:
            actual = _header(path)
            if missing := [name for name in names if name not in actual]:
                raise TableError(f"'{path.name}' has no column '{missing[0]}', which other parts of '{table}' have")
            columns = [actual[name] for name in names]
            packed = path.name.lower().endswith(_PARQUET)
            with reading(path):
                for batch in _parquet(path, columns) if packed else _delimited(path, columns, refused=self._refused):
                    frame = pl.from_arrow(batch)
                    assert isinstance(frame, pl.DataFrame)
                    frame.columns = list(names)
                    yield frame

    def concepts(self, ids: Sequence[int]) -> pl.DataFrame:
        """Return the rows of the concept table with these ids; it is read once, as few columns as do."""
        import polars as pl

        if self._known is None:
            self._known = self._all_concepts()
        return self._known.filter(pl.col("concept_id").is_in(list(ids)))

    def _all_concepts(self) -> pl.DataFrame:
        import polars as pl

        there = self.columns[CONCEPTS]
        names = [n for n in ("concept_id", "vocabulary_id", "concept_code", "concept_name", "domain_id") if n in there]
        told = (
            pl.col("concept_name")
            if "domain_id" not in names
            else pl.when(pl.col("domain_id").is_in(_NAMED)).then("concept_name")
        )
        kept = [
            frame.select(
                pl.col("concept_id").cast(pl.Int64, strict=False),
                pl.col("vocabulary_id").cast(pl.String).cast(pl.Categorical),
                pl.col("concept_code").cast(pl.String),
                told.cast(pl.String).alias("concept_name"),
            )
            for frame in self.rows(CONCEPTS, names)
        ]
        return pl.concat(kept).rechunk().with_columns(pl.col("vocabulary_id").cast(pl.String)) if kept else _no_concepts()

    def close(self) -> None:
        """Do nothing: no file stays open."""


def _no_concepts() -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        schema={"concept_id": pl.Int64, **dict.fromkeys(("vocabulary_id", "concept_code", "concept_name"), pl.String)}
    )


def _header(path: Path) -> dict[str, str]:
    """Return the columns of a file, their names in lower case to the names as they are."""
    import pyarrow.parquet as pq

    with reading(path):
        if path.name.lower().endswith(_PARQUET):
            return {name.lower(): name for name in pq.read_schema(path).names}
        with opened(path) as file:
            line = file.readline(1 << 20)
    names = line.decode("utf-8-sig", "replace").rstrip("\r\n").split(_delimiter(line).decode())
    return {name.strip().strip('"').lower(): name.strip('"') for name in names}


def _delimiter(header: bytes) -> bytes:
    return b"\t" if header.count(b"\t") > header.count(b",") else b","


def _parquet(path: Path, names: Sequence[str]) -> Iterator[pa.Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=ROWS, columns=list(names)):
            yield pa.table(batch).select(list(names))


def _delimited(path: Path, names: Sequence[str], *, refused: Counter[str]) -> Iterator[pa.Table]:
    """Yield chunks of delimited text with all cells as text, "" as missing; rows with too few or too many cells are counted."""
    import pyarrow as pa
    from pyarrow import csv

    def broken(_: Any) -> str:
        refused[BROKEN] += 1
        return "skip"

    with opened(path) as file:
        delimiter = _delimiter(file.readline(1 << 20)).decode()
    with opened(path) as file:
        stream = csv.open_csv(
            io.BufferedReader(Mended(file), _BLOCK),
            read_options=csv.ReadOptions(block_size=_BLOCK, use_threads=False),
            # Athena's own files have unquoted cells with quotation marks in them
            parse_options=csv.ParseOptions(
                delimiter=delimiter, quote_char=False if delimiter == "\t" else '"', newlines_in_values=True, invalid_row_handler=broken
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=list(names), null_values=[""],
                strings_can_be_null=True, quoted_strings_can_be_null=True,
            ),
        )  # fmt: skip
        for batch in stream:
            yield pa.table(batch).select(list(names))


class Mended(io.RawIOBase):
    """Bytes of a file with what is no UTF-8 replaced sign by sign: Arrow prints a broken row that it cannot decode."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, room: Any) -> int:
        """Fill `room` and return how much was put there, 0 at the end."""
        while not self._held:
            raw = self._file.read(len(room))
            self._held = self._decoder.decode(raw, final=not raw).encode()
            if not raw:
                break
        part, self._held = self._held[: len(room)], self._held[len(room) :]
        room[: len(part)] = part
        return len(part)
