"""The dates and datetimes of OMOP tables, whatever the place made of them, as microseconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osler.modalities.timelines.case import DAY
from osler.modalities.timelines.read.zone import UTC, at_midnight, zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any
    from zoneinfo import ZoneInfo

    import polars as pl

# tried in turn on what the earlier ones left; compact dates are those of US exports
_PLAIN = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
_FORMS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y%m%d")
_OFFSET = r"(Z|[+-]\d\d(?::?\d\d)?)$"


@dataclass(frozen=True, slots=True)
class Clock:
    """How times are read: `zone` of those without an offset; with `dates` midnight is no time of day, but a date alone."""

    zone: ZoneInfo = UTC
    dates: bool = False

    @staticmethod
    def of(options: Mapping[str, Any]) -> Clock:
        """Return the options `zone` and `midnight` read; raises StudyError for what they cannot be."""
        return Clock(zone(options), at_midnight(options))


def moments(frame: pl.DataFrame, *, stem: str, clock: Clock, late: bool = True) -> pl.Series:
    """Return microseconds by row from the columns `stem`_datetime and `stem`_date, null where neither can be read.

    A date without a clock is a span: `late` takes its last microsecond, so that what happened "on that day" is not known before
    the day is over, else its first.
    """
    return _absolute(_on_the_wall(frame, stem=stem, clock=clock, late=late), zone=clock.zone).alias("time")


def _on_the_wall(frame: pl.DataFrame, *, stem: str, clock: Clock, late: bool) -> pl.Series:
    """Return microseconds as the zone's clocks show them: days begin and end by them."""
    import polars as pl

    n = len(frame)
    exactly, day = (f"{stem}_datetime", f"{stem}_date")
    exact, short = pl.Series([None] * n, dtype=pl.Int64), pl.Series([False] * n, dtype=pl.Boolean)
    if exactly in frame.columns:
        # a column of datetimes may hold dates: text as short as one, or a type without a clock
        exact, short = _microseconds(frame[exactly], zone=clock.zone), _without_clock(frame[exactly])
    if clock.dates:
        short = short | (exact % DAY == 0).fill_null(value=False)
    if not exact.null_count() and not short.any():
        return exact
    alone = _microseconds(frame[day], zone=clock.zone) if day in frame.columns else pl.Series([None] * n, dtype=pl.Int64)
    both = pl.DataFrame({"exact": exact, "alone": alone, "short": short})
    end = DAY - 1 if late else 0
    date = pl.coalesce(pl.when("short").then("exact"), "alone")
    return both.select(pl.coalesce(pl.when(~pl.col("short")).then("exact"), date - date % DAY + end)).to_series()


def _absolute(wall: pl.Series, *, zone: ZoneInfo) -> pl.Series:
    """Return microseconds of UTC; an hour that clocks show twice is its first, one that they skip comes an hour later."""
    import polars as pl

    if zone == UTC:
        return wall
    named = [_zoned(wall + late, zone).dt.convert_time_zone("UTC").cast(pl.Int64) for late in (0, 3_600_000_000)]
    return named[0].zip_with(named[0].is_not_null(), named[1])


def _zoned(wall: pl.Series, zone: ZoneInfo) -> pl.Series:
    import polars as pl

    return wall.cast(pl.Datetime("us")).dt.replace_time_zone(zone.key, ambiguous="earliest", non_existent="null")


def _shown(absolute: pl.Series, *, zone: ZoneInfo) -> pl.Series:
    """Return what the zone's clocks show at microseconds of UTC."""
    import polars as pl

    if zone == UTC:
        return absolute
    there = absolute.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone(zone.key)
    return there.dt.replace_time_zone(None).cast(pl.Int64)


def _without_clock(column: pl.Series) -> pl.Series:
    import polars as pl

    if column.dtype == pl.String:
        return (column.str.strip_chars().str.len_chars() <= 10).fill_null(value=False)
    return pl.Series([column.dtype == pl.Date] * len(column), dtype=pl.Boolean)


def _microseconds(column: pl.Series, *, zone: ZoneInfo) -> pl.Series:
    import polars as pl

    if column.dtype == pl.String:
        return _of_text(column, zone=zone)
    if isinstance(column.dtype, pl.Datetime) or column.dtype == pl.Date:
        named = getattr(column.dtype, "time_zone", None)
        inside = column.cast(pl.Datetime("us", named)).cast(pl.Int64)  # of UTC where the column has a zone
        return _shown(inside, zone=zone) if named else inside
    return pl.Series([None] * len(column), dtype=pl.Int64)


def _of_text(column: pl.Series, *, zone: ZoneInfo) -> pl.Series:
    """Read text: what is written plainly at once, only what that leaves in other forms and with offsets."""
    read = _tried(column, forms=_PLAIN)
    left = (read.is_null() & column.is_not_null()).arg_true()
    if not len(left):
        return read
    text = column.gather(left).str.strip_chars().str.replace("T", " ", literal=True)
    offset = text.str.slice(10).str.extract(_OFFSET)
    plain = text.str.replace(r"(.{10}.*?)\s*" + _OFFSET, "${1}")
    wall = _tried(plain, forms=_FORMS)
    told = _shown(wall - _ahead(offset), zone=zone)
    return read.scatter(left, told.zip_with(offset.is_not_null(), wall))


def _tried(text: pl.Series, *, forms: Sequence[str]) -> pl.Series:
    """Return microseconds by the first of `forms` that fits, null where none does."""
    import polars as pl

    read = pl.Series([None] * len(text), dtype=pl.Int64)
    left = text.is_not_null().arg_true()
    for form in forms:
        if not len(left):
            break
        some = text.gather(left)
        found = some.str.to_datetime(form, time_unit="us", strict=False) if "%H" in form else some.str.to_date(form, strict=False)
        read = read.scatter(left, found.cast(pl.Datetime("us")).cast(pl.Int64))
        left = left.filter(found.is_null())
    return read


def _ahead(offset: pl.Series) -> pl.Series:
    """Return microseconds by which a clock with this offset is ahead of UTC."""
    import polars as pl

    digits = offset.str.replace_all(r"[^\d]", "")
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(
        pl.Int64, strict=False
    ).fill_null(0)
    sign = pl.select(pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)).to_series()
    return (minutes * sign * 60_000_000).fill_null(0)
