"""Chapters of ICD-9-CM, by the ranges of its tabular list (U.S. National Center for Health Statistics)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# the last category of each numbered chapter; they begin at 001 and leave no gap
CHAPTERS = {
    "infections": 139,
    "neoplasms": 239,
    "endocrine and metabolic": 279,
    "blood": 289,
    "mental": 319,
    "nervous system and senses": 389,
    "circulatory": 459,
    "respiratory": 519,
    "digestive": 579,
    "genitourinary": 629,
    "pregnancy and birth": 679,
    "skin": 709,
    "musculoskeletal": 739,
    "congenital": 759,
    "perinatal": 779,
    "symptoms": 799,
    "injury and poisoning": 999,
}
EXTERNAL, SUPPLEMENTARY = "external causes", "health factors"  # E000 to E999, V01 to V91
NAMES = (*CHAPTERS, EXTERNAL, SUPPLEMENTARY)


def chapter(column: str) -> pl.Expr:
    """Return the chapter of each code of diagnosis, written with or without its point; null for what is no such code."""
    import polars as pl

    code = pl.col(column)
    category = code.str.extract(r"^(\d{3})").cast(pl.Int64)
    numbered = pl.coalesce(*(pl.when(category.is_between(1, last)).then(pl.lit(name)) for name, last in CHAPTERS.items()))
    lettered = (
        pl.when(code.str.starts_with("E")).then(pl.lit(EXTERNAL)).when(code.str.starts_with("V")).then(pl.lit(SUPPLEMENTARY))
    )
    return pl.coalesce(lettered, numbered)
