"""The same events in every form that Osler reads: seconds, events per second and peak memory up to prepared columns.

    python benchmarks/timelines_kinds.py [--events 1000000] [--folder DIR] [--kinds long meds …]

Chart events of the MIMIC-III demo, repeated as new subjects, one case per subject at its last event: a long table, MEDS, OMOP as Parquet,
SQLite and DuckDB, FHIR as NDJSON. Writing them is not measured. Each is read in a process of its own (see timelines_reading.py); memory-mapped
files count in its peak. FHIR and OMOP add births, so that they have a few events more. Needs the folder of real data (OSLER_DATA, or ../shared/data).
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from timelines_reading import OSLER, apart, repeated, told


def long(home: Path, place: Path) -> str:
    (place / "events.parquet").hardlink_to(home / "events.parquet")
    return "events.parquet"


def meds(home: Path, place: Path) -> str:
    import polars as pl

    (place / "meds" / "data").mkdir(parents=True)
    columns = {"subject_id": "subject_id", "charttime": "time", "code": "code", "valuenum": "numeric_value"}
    rows = pl.scan_parquet(home / "events.parquet").with_columns(code=pl.format("CHART//{}", "itemid"))
    rows = rows.select(pl.col(old).alias(new) for old, new in columns.items()).with_columns(
        pl.col("numeric_value").cast(pl.Float32)
    )
    rows.sink_parquet(place / "meds" / "data" / "0.parquet")
    return "meds"


def tables(home: Path, folder: Path) -> None:
    """Write the OMOP tables person and measurement."""
    import polars as pl

    rows = pl.scan_parquet(home / "events.parquet")
    person = rows.select("subject_id").unique().collect()["subject_id"].sort()
    born = {"person_id": person, "gender_concept_id": 0, "year_of_birth": 1940}
    pl.DataFrame(born).write_parquet(folder / "person.parquet")
    rows.with_row_index("measurement_id").select(
        "measurement_id", person_id="subject_id", measurement_concept_id=pl.lit(0), measurement_date=pl.col("charttime").dt.date(),
        measurement_datetime="charttime", value_as_number="valuenum", measurement_source_value=pl.col("itemid").cast(pl.String),
        unit_source_value="valueuom", value_source_value="value",
    ).sink_parquet(folder / "measurement.parquet")  # fmt: skip


def omop(home: Path, place: Path) -> str:
    (place / "omop").mkdir()
    tables(home, place / "omop")
    return "omop"


def sqlite(home: Path, place: Path) -> str:
    import polars as pl

    tables(home, place)
    with sqlite3.connect(place / "cdm.db") as database:
        for name in ("person", "measurement"):
            frame = pl.read_parquet(place / f"{name}.parquet")
            frame = frame.with_columns(pl.col(pl.Datetime).dt.to_string("%Y-%m-%d %H:%M:%S"), pl.col(pl.Date).cast(pl.String))
            kinds = ("REAL" if kind.is_float() else "INTEGER" if kind.is_integer() else "TEXT" for kind in frame.dtypes)
            database.execute(f"CREATE TABLE {name} ({', '.join(map(' '.join, zip(frame.columns, kinds, strict=True)))})")
            marks = ", ".join("?" * len(frame.columns))
            database.executemany(f"INSERT INTO {name} VALUES ({marks})", frame.iter_rows())
    database.close()
    return "cdm.db"


def duck(home: Path, place: Path) -> str:
    import duckdb

    tables(home, place)
    with duckdb.connect(str(place / "cdm.duckdb")) as database:
        for name in ("person", "measurement"):
            database.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet('{place / name}.parquet')")
    return "cdm.duckdb"


def fhir(home: Path, place: Path) -> str:
    import polars as pl

    (place / "fhir").mkdir()
    rows = pl.read_parquet(home / "events.parquet", columns=["subject_id", "itemid", "charttime", "valuenum", "valueuom"])
    people = rows["subject_id"].unique().sort()
    lines = '{"resourceType": "Patient", "id": "' + people.cast(pl.String) + '", "birthDate": "1940-01-01"}'
    (place / "fhir" / "Patient.ndjson").write_text("\n".join(lines))
    value = pl.when(pl.col("valuenum").is_not_null()).then(
        pl.concat_str(pl.lit(', "valueQuantity": {"value": '), "valuenum", pl.lit(', "unit": "'), pl.col("valueuom").fill_null("1"), pl.lit('"}'))
    ).otherwise(pl.lit(', "valueString": "charted"'))  # fmt: skip
    line = pl.concat_str(
        pl.lit('{"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/'), "subject_id",
        pl.lit('"}, "effectiveDateTime": "'), pl.col("charttime").dt.to_string("%Y-%m-%dT%H:%M:%SZ"),
        pl.lit('", "code": {"coding": [{"system": "http://mimic.mit.edu/items", "code": "'), "itemid", pl.lit('"}]}'), value, pl.lit("}"),
    )  # fmt: skip
    with (place / "fhir" / "Observation.ndjson").open("w") as out:
        for start in range(0, len(rows), 200_000):
            out.write("\n".join(rows[start : start + 200_000].select(line).to_series()) + "\n")
    return "fhir"


KINDS: dict[str, Callable[[Path, Path], str]] = {
    "long": long, "meds": meds, "omop": omop, "sqlite": sqlite, "duckdb": duck, "fhir": fhir,
}  # fmt: skip


def written(home: Path, place: Path, *, kind: str) -> None:
    """Write the events in one form; the name of the source is left in a file."""
    (place / "table.parquet").hardlink_to(home / "table.parquet")
    (place / "source").write_text(KINDS[kind](home, place))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the files are written; default: the temporary folder")
    parser.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=list(KINDS))
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        apart(repeated, Path(name), events=asked.events)
        for kind in asked.kinds:
            with tempfile.TemporaryDirectory(dir=asked.folder) as place:
                apart(written, Path(name), Path(place), kind=kind)
                told(kind, OSLER, Path(place), source=(Path(place) / "source").read_text(), columns="subject_id,until")


if __name__ == "__main__":
    main()
