"""Persons, their visits, deaths and times of observation as events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from osler.modalities.timelines.case import ADMISSION, BIRTH, DEATH, DISCHARGE, PARTED, Piece
from osler.modalities.timelines.read.billing import STAY
from osler.modalities.timelines.read.omop import tables as names
from osler.modalities.timelines.read.omop.concepts import whole
from osler.modalities.timelines.read.omop.events import Context, piece, subjects
from osler.modalities.timelines.read.omop.moments import Clock, moments
from osler.modalities.timelines.read.omop.tables import Tables, chunks

if TYPE_CHECKING:
    import polars as pl

FOLLOWED_FROM, FOLLOWED_UNTIL = f"followed{PARTED}from", f"followed{PARTED}until"
_TRAITS = {"sex": "gender", "race": "race", "ethnicity": "ethnicity"}
_PERSON = tuple(f"{stem}_{part}" for stem in _TRAITS.values() for part in ("concept_id", "source_value"))
_BORN = ("birth_datetime", "year_of_birth", "month_of_birth", "day_of_birth")
# The kinds of visits that every database has (OHDSI vocabulary "Visit"), in the words that every source uses
KINDS = {
    9201: "inpatient", 262: "inpatient", 8717: "inpatient", 8971: "inpatient", 8920: "inpatient", 32037: "inpatient",
    9203: "emergency", 8870: "emergency", 9202: "outpatient", 8756: "outpatient", 5083: "outpatient", 722455: "outpatient",
    42898160: "long term", 581476: "home", 581385: "inpatient",
}  # fmt: skip


def persons(tables: Tables, *, context: Context) -> Iterator[Piece]:
    """Yield births, and what is known at any time: sex, race, ethnicity."""
    for frame in chunks(tables, names.PERSON, needed=("person_id",), optional=(*_PERSON, *_BORN)):
        subject = subjects(frame)
        yield piece(subject, _born(frame, clock=context.clock), code=BIRTH)
        for name, stem in _TRAITS.items():
            if f"{stem}_concept_id" in frame.columns:
                yield _trait(frame, subject, stem=stem, name=name, context=context)


def _trait(frame: pl.DataFrame, subject: pl.Series, *, stem: str, name: str, context: Context) -> Piece:
    import polars as pl

    word = context.concepts.of(whole(frame[f"{stem}_concept_id"]))["word"]
    if f"{stem}_source_value" in frame.columns:
        word = word.zip_with(
            word.is_not_null(), frame[f"{stem}_source_value"].cast(pl.String).str.strip_chars().replace({"": None})
        )
    known = word.is_not_null()
    return piece(subject.filter(known), None, code=name, text=word.filter(known))


def _born(frame: pl.DataFrame, *, clock: Clock) -> pl.Series:
    """Return the moments of birth; without a day the month's first, without a month the 15th of June, as CDM v5.4 has it."""
    import polars as pl

    exact = moments(frame, stem="birth", clock=clock, late=False)
    if "year_of_birth" not in frame.columns:
        return exact
    year, month, day = (
        whole(frame[n]) if n in frame.columns else pl.Series([None] * len(frame), dtype=pl.Int64) for n in _BORN[1:]
    )
    parts = pl.DataFrame({"exact": exact, "year": year, "month": month, "day": day}).with_columns(
        pl.when(pl.col("month").is_null()).then(15).otherwise(pl.coalesce("day", 1)).alias("day"), pl.coalesce("month", 6)
    )
    text = pl.concat_str("year", pl.lit("-"), "month", pl.lit("-"), "day")
    return parts.select(
        pl.coalesce("exact", text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")).cast(pl.Int64))
    ).to_series()


def deaths(tables: Tables, *, context: Context) -> Iterator[Piece]:
    """Yield deaths; their causes are found out later and are left."""
    for frame in chunks(tables, names.DEATH, needed=("person_id",), times=("death_datetime", "death_date")):
        yield piece(subjects(frame), moments(frame, stem="death", clock=context.clock), code=DEATH)


def periods(tables: Tables, *, context: Context) -> Iterator[Piece]:
    """Yield when persons began to be observed and when they ceased to be: an outcome later than that would not be in the data."""
    stems = {"observation_period_start": FOLLOWED_FROM, "observation_period_end": FOLLOWED_UNTIL}
    columns = [f"{stem}_date" for stem in stems]
    for frame in chunks(tables, names.PERIODS, needed=("person_id", *columns)):
        for stem, code in stems.items():
            yield piece(subjects(frame), moments(frame, stem=stem, clock=context.clock, late=code == FOLLOWED_UNTIL), code=code)


def visits(tables: Tables, *, context: Context) -> Iterator[Piece]:
    """Yield the begin of each visit, and its end where it has one."""
    for frame in _visits(tables):
        start, end, kind = _parts(frame, clock=context.clock)
        subject = subjects(frame)
        word = _words(whole(frame["visit_concept_id"]), kind, context=context)
        yield piece(subject, start, code=ADMISSION + word)
        ended = end.is_not_null()
        yield piece(subject.filter(ended), end.filter(ended), code=DISCHARGE + word.filter(ended))


def stays(tables: Tables, *, clock: Clock) -> pl.DataFrame:
    """Return `visit`, `end` and `stay` of all visits: a visit is a stay by its kind, or where it lasts longer than a day."""
    import polars as pl

    found = [pl.DataFrame(schema={"visit": pl.Int64, "end": pl.Int64, "stay": pl.Boolean})]
    for frame in _visits(tables):
        start, end, kind = _parts(frame, clock=clock)
        rows = pl.DataFrame({"visit": whole(frame["visit_occurrence_id"]), "start": start, "end": end, "kind": kind})
        # a date is taken from its first to its last microsecond: a visit of one day does not last longer than that
        long = (pl.col("end") - pl.col("start") > STAY).fill_null(value=False)
        stay = (pl.col("kind").is_in(["inpatient", "long term"])).fill_null(value=False) | long
        found.append(rows.select("visit", "end", stay.alias("stay")))
    return pl.concat(found).drop_nulls("visit").unique("visit", keep="first", maintain_order=True)


def _visits(tables: Tables) -> Iterator[pl.DataFrame]:
    times = ("visit_start_datetime", "visit_start_date")
    optional = ("visit_end_datetime", "visit_end_date")
    yield from chunks(
        tables, names.VISITS, needed=("visit_occurrence_id", "person_id", "visit_concept_id"), times=times, optional=optional
    )


def _parts(frame: pl.DataFrame, *, clock: Clock) -> tuple[pl.Series, pl.Series, pl.Series]:
    import polars as pl

    start = moments(frame, stem="visit_start", late=False, clock=clock)
    end = moments(frame, stem="visit_end", clock=clock)
    kind = whole(frame["visit_concept_id"]).replace_strict(KINDS, default=None, return_dtype=pl.String)
    return start, end, kind


def _words(ids: pl.Series, kind: pl.Series, *, context: Context) -> pl.Series:
    """Return what stands behind "admission": nothing for no concept, the word of its kind, else the concept's."""
    import polars as pl

    both = pl.DataFrame({"kind": kind, "word": context.concepts.of(ids)["word"]})
    return both.select(pl.coalesce(pl.lit(PARTED) + pl.coalesce("kind", "word"), pl.lit(""))).to_series()
