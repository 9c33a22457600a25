"""Events of the MIMIC-III demo as one long table: admissions, discharges, deaths, births, and a few laboratory values."""

from pathlib import Path

import polars as pl

LABS = {50912: "LAB//creatinine", 50971: "LAB//potassium", 51222: "LAB//haemoglobin", 51301: "LAB//leucocytes"}


def read(data, name):
    return pl.read_csv(data / "records" / "mimic3demo" / f"{name}.csv.gz", infer_schema_length=0).rename(str.lower)


def events(data) -> pl.DataFrame:
    """Return subject, time, code, value."""
    stays, people, labs = (read(data, name) for name in ("ADMISSIONS", "PATIENTS", "LABEVENTS"))
    labs = labs.with_columns(pl.col("itemid").cast(pl.Int64)).filter(pl.col("itemid").is_in(list(LABS)))
    nothing = pl.lit(None, pl.Float64).alias("value")
    parts = [
        stays.select("subject_id", time="admittime", code=pl.lit("admission//") + pl.col("admission_type"), value=nothing),
        stays.select("subject_id", time="dischtime", code=pl.lit("discharge"), value=nothing),
        people.select("subject_id", time="dob", code=pl.lit("birth"), value=nothing),
        people.select("subject_id", time="dod", code=pl.lit("death"), value=nothing),
        labs.select("subject_id", time="charttime", code=pl.col("itemid").replace_strict(LABS),
                    value=pl.col("valuenum").cast(pl.Float64, strict=False)),
    ]  # fmt: skip
    rows = pl.concat(parts).filter(pl.col("time").is_not_null())
    return rows.with_columns(pl.col("time").str.head(19).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us"))


def written(data, folder: Path) -> pl.DataFrame:
    """Write the events to `folder`/events.parquet and return them."""
    found = events(data)
    folder.mkdir(parents=True, exist_ok=True)
    found.write_parquet(folder / "events.parquet")
    return found
