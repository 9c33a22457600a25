"""The files of MIMIC-III as columns of text, and rows as events: what all its tables share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.core.errors import RequestError

if TYPE_CHECKING:
    import polars as pl

Files = Mapping[str, Path]

EVENT = ("subject", "time", "code", "value", "unit", "text")


@dataclass(frozen=True, slots=True)
class Part:
    """What one table gives: its `rows`, how many were `left` out by reason, and the `events` of the others."""

    rows: int
    left: Mapping[str, int]
    events: pl.DataFrame

    @property
    def counts(self) -> dict[str, Any]:
        """How many rows there were, were used and left out, and how many events they became."""
        used = self.rows - sum(self.left.values())
        return {"rows": self.rows, "used": used, "events": self.events.height, "left out": dict(self.left)}


def opened(files: Files, name: str, *columns: str) -> pl.DataFrame:
    """Return columns of a table as text; raises RequestError where it cannot be read or lacks one."""
    import polars as pl

    path = files[f"{name}.csv"]
    try:
        return pl.read_csv(path, columns=list(columns), infer_schema=False)
    except (pl.exceptions.PolarsError, OSError, EOFError) as error:
        kind = type(error).__name__
        raise RequestError(f"'{path.name}' is no table with {', '.join(columns)} that can be read ({kind})") from None


def moment(column: str) -> pl.Expr:
    """Return a column's moments; a mirror may write that they are of no zone as +00:00."""
    import polars as pl

    return pl.col(column).str.strip_suffix("+00:00").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)


def end_of_day(column: str) -> pl.Expr:
    """Return the last second of each date: what has no hour was known by then."""
    import polars as pl

    return moment(column).dt.truncate("1d") + pl.duration(hours=23, minutes=59, seconds=59)


def number(column: str) -> pl.Expr:
    """Return a column's numbers, null where a cell is none."""
    import polars as pl

    return pl.col(column).cast(pl.Float64, strict=False)


def part(frame: pl.DataFrame, *kinds: Mapping[str, Any], left: Any = None) -> Part:
    """Return the events of a table: of each row the first of `kinds`, and those of the further ones that have time and code.

    A kind gives `time` (None: known at any time), `code`, and if it has them `value`, `unit`, `text`. `left` says why a row is
    not used.
    """
    import polars as pl

    first, *further = (_event(kind) for kind in kinds)
    lacking = [(first["code"].is_null(), "no code")]
    if kinds[0]["time"] is not None:
        lacking.insert(0, (first["time"].is_null(), "no time"))
    why = reason(*lacking) if left is None else pl.coalesce(left, reason(*lacking))
    marked = frame.with_columns(why.alias("left out"))
    reasons = marked["left out"].drop_nulls().value_counts().sort("count", "left out", descending=[True, False])
    used = marked.filter(pl.col("left out").is_null())
    rest = [used.filter(kind["time"].is_not_null(), kind["code"].is_not_null()).select(**kind) for kind in further]
    return Part(frame.height, dict(reasons.iter_rows()), pl.concat([used.select(**first), *rest]))


def _event(kind: Mapping[str, Any]) -> dict[str, pl.Expr]:
    import polars as pl

    empty = {"value": pl.lit(None, pl.Float64), "unit": pl.lit(None, pl.String), "text": pl.lit(None, pl.String)}
    found = {"subject": pl.col("subject_id"), **empty, **kind}
    if found["time"] is None:
        found["time"] = pl.lit(None, pl.Datetime("us"))
    return {name: found[name] for name in EVENT}


def reason(*cases: tuple[Any, str]) -> pl.Expr:
    """Return what is said of the first condition that holds, null where none does."""
    import polars as pl

    return pl.coalesce(*(pl.when(condition).then(pl.lit(said)) for condition, said in cases))


def word(vocabulary: str, *columns: str) -> pl.Expr:
    """Return codes "VOCABULARY//symbol (…)"; white space is made plain, and no symbol holds the sign between the parts."""
    import polars as pl

    parts = [pl.col(c).str.replace_all(r"\s+", " ").str.strip_chars().str.replace_all("//", "/") for c in columns]
    return pl.concat_str(pl.lit(f"{vocabulary}//"), *parts)
