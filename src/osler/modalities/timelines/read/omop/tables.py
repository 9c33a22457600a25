"""The tables of OMOP CDM v5.4 that events are made of, and how a place that holds them is asked for rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from osler.core.errors import TableError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

ROWS = 1 << 17  # of one chunk; about 20 MB of a wide table


@dataclass(frozen=True, slots=True)
class Clinical:
    """A table of clinical events by the names of its columns, "" where it has no such column.

    `coded` says that coders assign its codes after a stay, whatever vocabulary they are of.
    """

    table: str
    stem: str  # of the columns: condition_concept_id, condition_source_value, …
    when: str  # of the times: condition_start_date, condition_start_datetime
    coded: bool = False
    valued: bool = False

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns without which the table says nothing; of the two times one is enough."""
        return "person_id", f"{self.stem}_concept_id"

    @property
    def optional(self) -> tuple[str, ...]:
        """The columns that are read where they are there."""
        own = (f"{self.stem}_source_concept_id", f"{self.stem}_source_value", "visit_occurrence_id")
        values = ("value_as_number", "value_as_string", "value_as_concept_id", "value_source_value", "unit_concept_id")
        return (*own, *((*values, "unit_source_value") if self.valued else ()))


CLINICAL = (
    Clinical("condition_occurrence", "condition", "condition_start", coded=True),
    Clinical("procedure_occurrence", "procedure", "procedure", coded=True),
    Clinical("drug_exposure", "drug", "drug_exposure_start"),
    Clinical("device_exposure", "device", "device_exposure_start"),
    Clinical("measurement", "measurement", "measurement", valued=True),
    Clinical("observation", "observation", "observation", valued=True),
)
PERSON, DEATH, VISITS, PERIODS, CONCEPTS = "person", "death", "visit_occurrence", "observation_period", "concept"
READ = frozenset({PERSON, DEATH, VISITS, PERIODS, *(kind.table for kind in CLINICAL)})


class Tables(Protocol):
    """A place that holds tables: a folder or a database. `columns` maps tables to their columns, both in lower case."""

    columns: Mapping[str, Sequence[str]]
    name: str

    def rows(self, table: str, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield the columns `names` of `table` in chunks of at most ROWS rows."""
        ...

    def concepts(self, ids: Sequence[int]) -> pl.DataFrame:
        """Return `concept_id`, `vocabulary_id`, `concept_code`, `concept_name` of those `ids` that the table of concepts holds."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def wanted(
    tables: Tables, *, table: str, needed: Sequence[str], times: Sequence[str] = (), optional: Sequence[str] = ()
) -> list[str]:
    """Return the columns to read; raises TableError where one that is `needed` is missing, or all `times` are."""
    there = tables.columns[table]
    missing = [name for name in needed if name not in there]
    if missing:
        raise TableError(
            f"table '{table}' of {tables.name} has no column '{missing[0]}'{did_you_mean(missing[0], there)}; OMOP CDM v5.4 wants it"
        )
    if times and not any(name in there for name in times):
        raise TableError(f"table '{table}' of {tables.name} has no time: neither '{times[0]}' nor '{times[-1]}'")
    return [name for name in (*needed, *times, *optional) if name in there]


def chunks(
    tables: Tables, table: str, *, needed: Sequence[str], times: Sequence[str] = (), optional: Sequence[str] = ()
) -> Iterator[pl.DataFrame]:
    """Yield the chunks of `table` with the columns of `wanted`; nothing where the place has no such table."""
    if table in tables.columns:
        for frame in tables.rows(table, wanted(tables, table=table, needed=needed, times=times, optional=optional)):
            yield _flat(frame, table=table, tables=tables)


def _flat(frame: pl.DataFrame, *, table: str, tables: Tables) -> pl.DataFrame:
    """Return the frame with bytes as text; raises TableError for a column whose cells are lists or records."""
    import polars as pl

    for name, dtype in frame.schema.items():
        if dtype.is_nested():
            raise TableError(
                f"column '{name}' of table '{table}' of {tables.name} holds lists or records; wanted one number or word a cell"
            )
    return frame.with_columns(pl.col(pl.Binary).cast(pl.String, strict=False))
