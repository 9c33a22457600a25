"""From concept ids to codes: VOCABULARY//symbol where the table of concepts is there, OMOP//id where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osler.modalities.timelines.case import PARTED
from osler.modalities.timelines.read.omop.tables import CONCEPTS, Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

# What every database has, told without a table of concepts (OHDSI standardised vocabularies; they never change their ids)
_WORDS = {
    8507: "male", 8532: "female", 8515: "Asian", 8516: "Black or African American", 8527: "White",
    38003563: "Hispanic or Latino", 38003564: "Not Hispanic or Latino",
}  # fmt: skip
SEXES = (8507, 8532)


class Concepts:
    """The concepts met so far. Only they are held, and only new ones are asked for: a database's concept table has millions."""

    def __init__(self, tables: Tables) -> None:
        import polars as pl

        self._tables = tables
        self._there = CONCEPTS in tables.columns
        self._met = pl.DataFrame(schema={"id": pl.Int64, "code": pl.String, "vocabulary": pl.String, "word": pl.String})

    def of(self, ids: pl.Series) -> pl.DataFrame:
        """Return `code`, `vocabulary` and `word` by row of `ids` (n,) Int64; null for null and 0, which is "no concept"."""
        import polars as pl

        new = ids.drop_nulls().unique()
        new = new.filter((new != 0) & ~new.is_in(self._met["id"].implode()))
        if len(new):
            self._met = pl.concat([self._met, self._told(new.sort())])
        return pl.DataFrame({"id": ids}).join(self._met, on="id", how="left", maintain_order="left").drop("id")

    def _told(self, ids: pl.Series) -> pl.DataFrame:
        import polars as pl

        number = pl.col("id").cast(pl.String)
        frame = pl.DataFrame({"id": ids})
        if self._there:
            found = self._tables.concepts(ids.to_list()).unique("concept_id", keep="first")
            frame = frame.join(found, left_on="id", right_on="concept_id", how="left")
        else:
            frame = frame.with_columns(
                **dict.fromkeys(("vocabulary_id", "concept_code", "concept_name"), pl.lit(None, pl.String))
            )
        code = pl.concat_str("vocabulary_id", pl.lit(PARTED), "concept_code")
        builtin = pl.col("id").replace_strict(_WORDS, default=None, return_dtype=pl.String)
        # the sexes are written as FHIR has them, so that both sources say the same
        named = pl.when(pl.col("id").is_in(SEXES)).then(builtin).otherwise(pl.coalesce("concept_name", builtin))
        return frame.select(
            "id",
            pl.coalesce(code, pl.lit(f"OMOP{PARTED}") + number).alias("code"),
            pl.col("vocabulary_id").cast(pl.String).alias("vocabulary"),
            pl.coalesce(named, "concept_code", pl.lit("OMOP ") + number).alias("word"),
        )


def whole(column: pl.Series) -> pl.Series:
    """Return ids as whole numbers, whatever type the place gave them; null where there is none."""
    import polars as pl

    if column.dtype == pl.String:
        return column.str.strip_chars().str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
    return column.cast(pl.Int64, strict=False)


def first(frames: Sequence[pl.DataFrame], name: str) -> pl.Series:
    """Return by row the first of several lookups that has `name`."""
    import polars as pl

    return pl.DataFrame({str(i): frame[name] for i, frame in enumerate(frames)}).select(pl.coalesce(pl.all())).to_series()
