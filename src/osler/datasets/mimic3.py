"""MIMIC-III (Johnson and others 2016, doi:10.1038/sdata.2016.35): its admissions as cases, 24 hours after they began."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.datasets.icd9 import NAMES, chapter
from osler.datasets.mimic3_events import OBSCURED, events
from osler.datasets.mimic3_tables import moment, opened
from osler.datasets.registry import Recorded

if TYPE_CHECKING:
    import polars as pl

AFTER = 24  # hours from admission to prediction
OLDEST = 90  # stands for every age above 89, which the source obscures
FEWEST = 10  # cases with a chapter, and without it: what is rarer cannot be learned or tested here
KNOWN = ("age", "gender", "admission_type", "admission_location", "insurance")  # at admission
REMARKS = (
    "A test of correctness and speed: 100 patients are too few for any claim about accuracy.",
    f"A case is an admission, predicted {AFTER} hours after it began; one that had ended by then is no case. Dates are shifted per patient.",
    "Codes of diagnoses, procedures, DRG and CPT, and what grew of a specimen, stand at discharge: nothing tells when they were known.",
    "Drugs stand at the end of the day on which they began, the amount of an infusion without a rate at its end.",
    "Laboratory values stand at the time of the specimen, charted ones at the time they are charted for: some were known hours later.",
    f"An age of {OLDEST} stands for all above 89, whose births the source obscures: these have no event of birth.",
    "The columns 'icd9 …' are the chapters of the discharge diagnoses: answers, never inputs.",
)


def admissions(files: Mapping[str, Path]) -> Recorded:
    """Return one row per admission of more than 24 hours, the events of all tables, and two studies.

    Raises RequestError for a table that cannot be read or lacks a column.
    """
    found, tables = events(files)
    table, cases = _table(files)
    counts = {"cases": cases, "events": found.height, "tables": tables}
    return Recorded(table, found, _studies(table), REMARKS, counts)


def _table(files: Mapping[str, Path]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the cases, and how many admissions are none."""
    import polars as pl

    columns = ("subject_id", "hadm_id", "admittime", "dischtime", "deathtime", "hospital_expire_flag", *KNOWN[2:])
    stays = opened(files, "ADMISSIONS", *columns)
    persons = opened(files, "PATIENTS", "subject_id", "gender", "dob")
    ended = pl.min_horizontal(moment("dischtime"), moment("deathtime"))
    long = stays.filter(ended > moment("admittime") + pl.duration(hours=AFTER))
    known = long.join(persons, on="subject_id", how="left", maintain_order="left")
    years = _years(moment("dob"), moment("admittime"))
    cases = known.sort("subject_id", moment("admittime")).select(
        pl.col("hadm_id").alias("admission"),
        pl.col("subject_id").alias("subject"),
        moment("admittime").dt.strftime("%Y-%m-%d %H:%M:%S").alias("admitted"),
        pl.when(years >= OBSCURED).then(OLDEST).otherwise(years).alias("age"),
        *KNOWN[1:],
        pl.col("hospital_expire_flag").alias("died"),
    )
    left = {f"ended within {AFTER} hours": stays.height - cases.height}
    counts = {"admissions": stays.height, "cases": cases.height, "left out": left}
    return _with_chapters(cases, files), counts


def _years(born: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Return whole years of life."""
    before_birthday = day.dt.strftime("%m%d") < born.dt.strftime("%m%d")
    return day.dt.year() - born.dt.year() - before_birthday.cast(int)


def _with_chapters(cases: pl.DataFrame, files: Mapping[str, Path]) -> pl.DataFrame:
    """Return the cases with a column per chapter of ICD-9-CM: 1 where a discharge diagnosis of the admission is of it."""
    import polars as pl

    codes = opened(files, "DIAGNOSES_ICD", "hadm_id", "icd9_code").with_columns(chapter("icd9_code").alias("chapter"))
    has = [(pl.col("chapter") == name).any().cast(pl.Int8).alias(f"icd9 {name}") for name in NAMES]
    found = codes.drop_nulls("chapter").group_by(pl.col("hadm_id").alias("admission")).agg(has)
    return cases.join(found, on="admission", how="left", maintain_order="left")


def _studies(table: pl.DataFrame) -> dict[str, Mapping[str, Any]]:
    chapters = [f"icd9 {name}" for name in NAMES]
    often = [name for name in chapters if FEWEST <= (table[name].sum() or 0) <= table[name].count() - FEWEST]
    asked = {
        "id": "admission",
        "group": "subject",
        "inputs": {
            "admission": {"modality": "tables", "columns": list(KNOWN)},
            "events": {
                "modality": "timelines",
                "columns": ["subject", "admitted"],
                "source": "events.parquet",
                "after": f"{AFTER}h",
            },
        },
        "subgroups": ["gender"],
    }
    return {
        "study.yaml": {"task": "classification", "target": "died", "exclude": ["icd9 *"], **asked},
        "diagnosis.yaml": {
            "task": "classification",
            "target": often,
            "exclude": ["died", *sorted({*chapters} - {*often})],
            **asked,
        },
    }
