"""Rows of clinical tables as events, chunk by chunk and without a Python object per event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osler.core.errors import StudyError, did_you_mean
from osler.modalities.timelines.case import PARTED, Piece
from osler.modalities.timelines.read.billing import (
    BILLED,
    CODELESS,
    OPEN_STAY,
    RECORDED,
    SUBJECTLESS,
    TIMELESS,
    UNKNOWN_STAY,
    VALUELESS,
    coded,
)  # fmt: skip
from osler.modalities.timelines.read.omop.concepts import Concepts, whole
from osler.modalities.timelines.read.omop.moments import Clock, moments
from osler.modalities.timelines.read.omop.tables import Clinical, Tables, chunks

if TYPE_CHECKING:
    import polars as pl

WORDS = frozenset({"subject", "code", "text", "unit"})
COLUMNS = ("subject", "time", "code", "value", "text", "unit")


@dataclass(frozen=True, slots=True)
class Context:
    """What the rows of all tables need: `concepts`; `stays`, a frame of visit id `visit`, `end` (microseconds or null) and
    `stay` (whether its codes wait for its end); and the options."""

    concepts: Concepts
    stays: pl.DataFrame
    discharge: bool
    clock: Clock
    source_first: bool

    @staticmethod
    def options(given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options as fields; raises StudyError for what they cannot be."""
        codes = given.get("codes", "standard")
        if codes not in {"standard", "source"}:
            raise StudyError(
                f"option 'codes' is '{codes}'{did_you_mean(str(codes), ['standard', 'source'])}; wanted 'standard' or 'source'"
            )
        return {"discharge": coded(given) != RECORDED, "clock": Clock.of(given), "source_first": codes == "source"}


def clinical(kind: Clinical, *, tables: Tables, context: Context) -> Iterator[Piece]:
    """Yield the events of one clinical table."""
    times = (f"{kind.when}_datetime", f"{kind.when}_date")
    for frame in chunks(tables, kind.table, needed=kind.needed, times=times, optional=kind.optional):
        yield _piece(kind, frame, context=context)


def _piece(kind: Clinical, frame: pl.DataFrame, *, context: Context) -> Piece:
    code, billed = _codes(kind, frame, context=context)
    value, text, unit = _values(frame, context=context) if kind.valued else (None, None, None)
    recorded = moments(frame, stem=kind.when, clock=context.clock)
    time, why = (recorded, None) if not context.discharge else _known(frame, recorded, billed=billed, stays=context.stays)
    return piece(subjects(frame), time, code=code, value=value, text=text, unit=unit, why=why)


def subjects(frame: pl.DataFrame) -> pl.Series:
    """Return the persons' ids as text, null where there is none."""
    import polars as pl

    column = frame["person_id"]
    if column.dtype == pl.String:
        column = column.str.strip_chars()
        return column.set(column == "", None)
    return (whole(column) if column.dtype.is_float() or column.dtype.is_decimal() else column).cast(pl.String)


def _column(frame: pl.DataFrame, name: str, dtype: Any) -> pl.Series:
    import polars as pl

    if name in frame.columns:
        return whole(frame[name]) if dtype == pl.Int64 else frame[name].cast(dtype, strict=False)
    return pl.Series(name, [None] * len(frame), dtype=dtype)


def _codes(kind: Clinical, frame: pl.DataFrame, *, context: Context) -> tuple[pl.Series, pl.Series]:
    """Return the code of each row, and whether coders assign it: by its table, or by the vocabulary of either concept."""
    import polars as pl

    standard = context.concepts.of(_column(frame, f"{kind.stem}_concept_id", pl.Int64))
    source = context.concepts.of(_column(frame, f"{kind.stem}_source_concept_id", pl.Int64))
    written = _column(frame, f"{kind.stem}_source_value", pl.String).str.strip_chars()
    ahead, behind = (source, standard) if context.source_first else (standard, source)
    both = pl.DataFrame(
        {"a": ahead["code"], "b": behind["code"], "c": written, "v": standard["vocabulary"], "w": source["vocabulary"]}
    )
    last = pl.when(pl.col("c") != "").then(pl.lit(f"{kind.stem.upper()}{PARTED}") + pl.col("c"))
    told = both.select(
        pl.coalesce("a", "b", last).alias("code"),
        (
            pl.lit(kind.coded)
            | pl.col("v").is_in(BILLED).fill_null(value=False)
            | pl.col("w").is_in(BILLED).fill_null(value=False)
        ).alias("billed"),
    )
    return told["code"], told["billed"]


def _values(frame: pl.DataFrame, *, context: Context) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return number, word and unit of each row; the word only where there is no number."""
    import polars as pl

    concept = context.concepts.of(_column(frame, "value_as_concept_id", pl.Int64))["word"]
    rows = pl.DataFrame(
        {
            "number": _column(frame, "value_as_number", pl.Float64),
            "concept": concept,
            "string": _column(frame, "value_as_string", pl.String).str.strip_chars(),
            "written": _column(frame, "value_source_value", pl.String).str.strip_chars(),
            # a unit's symbol is enough: UCUM is the only vocabulary of units
            "unit": context.concepts.of(_column(frame, "unit_concept_id", pl.Int64))["code"].str.split(PARTED).list.last(),
            "told": _column(frame, "unit_source_value", pl.String).str.strip_chars(),
        }
    ).with_columns(pl.col(pl.String).replace({"": None}))
    word = pl.when(pl.col("number").is_null()).then(pl.coalesce("concept", "string", "written"))
    unit = pl.when(pl.col("number").is_not_null()).then(pl.coalesce("unit", "told"))  # a word has none
    done = rows.select("number", word.alias("text"), unit.alias("unit"))
    return done["number"], done["text"], done["unit"]


def _known(frame: pl.DataFrame, recorded: pl.Series, *, billed: pl.Series, stays: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Return from when each row is known, and why it never is, else null.

    Codes of a stay exist from its end, or from when they were recorded where that is later.
    """
    import polars as pl

    visit = pl.DataFrame({"visit": _column(frame, "visit_occurrence_id", pl.Int64), "time": recorded, "billed": billed})
    joined = visit.join(stays, on="visit", how="left", maintain_order="left")
    waits = pl.col("billed") & pl.col("stay").fill_null(value=False)
    lost = pl.col("billed") & pl.col("visit").is_not_null() & (pl.col("visit") != 0) & pl.col("stay").is_null()
    done = joined.select(
        pl.when(waits).then(pl.max_horizontal("time", "end")).otherwise("time").alias("time"),
        pl.when(lost).then(pl.lit(UNKNOWN_STAY)).when(waits & pl.col("end").is_null()).then(pl.lit(OPEN_STAY)).alias("why"),
    )
    return done["time"], done["why"]


def piece(
    subject: pl.Series, time: pl.Series | None, *, code: pl.Series | str, value: pl.Series | None = None, text: pl.Series | None = None,
    unit: pl.Series | None = None, why: pl.Series | None = None, texted: bool = False,
) -> Piece:  # fmt: skip
    """Return rows as a piece: `time` None for what is known at any time; what cannot be used is counted, `why` says more.

    With `texted` a row without its text is nothing.
    """
    import polars as pl

    n = len(subject)
    null = {"time": pl.Int64, "value": pl.Float64, "text": pl.String, "unit": pl.String, "why": pl.String}
    given = {"time": time, "value": value, "text": text, "unit": unit, "why": why}
    filled = {name: pl.Series(name, [None] * n, dtype=null[name]) if column is None else column for name, column in given.items()}
    rows = pl.DataFrame(
        {"subject": subject, "code": pl.Series([code] * n, dtype=pl.String) if isinstance(code, str) else code, **filled}
    )
    reason = (
        pl.when(pl.col("subject").is_null()).then(pl.lit(SUBJECTLESS))
        .when(pl.col("code").is_null()).then(pl.lit(CODELESS))
        .when(pl.col("why").is_not_null()).then("why")
        .when(pl.lit(time is not None) & pl.col("time").is_null()).then(pl.lit(TIMELESS))
        .when(pl.lit(texted) & pl.col("text").is_null()).then(pl.lit(VALUELESS))
    )  # fmt: skip
    rows = rows.with_columns(reason.alias("why"))
    kept = rows.filter(pl.col("why").is_null())
    counts = dict(rows["why"].drop_nulls().value_counts().iter_rows())
    table = kept.select(COLUMNS).to_arrow()
    for at, name in enumerate(COLUMNS):
        # by Arrow: Polars' categories are kept for the whole process, so that each piece would carry those of all before it
        if name in WORDS:
            table = table.set_column(at, name, table[name].dictionary_encode())
    return Piece(table, counts)
