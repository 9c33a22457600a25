"""What a cell says of when: dates with and without zones, times of a clock that starts with the case, plain numbers.

All functions take whole columns and never loop over cells; texts are parsed once per distinct text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osler.core.duration import UNITS
from osler.modalities.timelines.case import ALWAYS, DAY

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

CLOCKS = {"days": UNITS["d"], "hours": UNITS["h"], "minutes": UNITS["min"], "seconds": UNITS["s"]}
BLANKS = ("", "na", "n/a", "nan", "null", "<na>", "nat", "#n/a", ".", "?", "none")
LONGEST = 200 * UNITS["y"]  # of a relative time; a larger number is no time since an admission

_CLOCK = r"^([+-]?)(\d{1,6}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$"  # hours may exceed 24: PhysioNet 2012 writes 47:37
_TAIL = r"^\.?(\d*) *(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"  # what follows the seconds: their fraction and the zone
_DAY = r"(?:[T ] *(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(?: *([AaPp])\.?[Mm]\.?)?)? *(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
_YEAR_FIRST = r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" + _DAY
_COMPACT = r"^(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2})(\d{2})(\d{2}(?:\.\d+)?)?()(Z|z|[+-]\d{2}(?::?\d{2})?)?)?$"  # HL7 and DICOM
_DAY_FIRST = r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})" + _DAY
_NAMED = r"^(\d{1,2})[- ]?([A-Za-z]{3,9})\.?[-, ]*(\d{4})" + _DAY
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class Times:
    """Times of n cells: `at` (n,) int64 microseconds, ALWAYS where the cell is empty; `bad` (n,) bool where it holds something that
    is no time; `relative` (n,) bool where it counts from the case's own start.

    A date without a clock is a span: `at` is its first microsecond, `until` (n,) int64 its last; elsewhere both are the same.
    """

    at: np.ndarray
    bad: np.ndarray
    relative: np.ndarray
    until: np.ndarray


def read_times(array: pa.Array, *, clock: str | None = None, zone: str = "UTC", order: str = "", midnight: bool = False) -> Times:
    """Return the times of a flat Arrow array, text or typed.

    `clock` says how plain numbers count from the case's start; without it a number is no time, except where it is a text
    of 8, 12 or 14 digits (20240131). `zone` is that of dates without one. `order` ("dmy", "mdy") reads 03/04/2020; without
    it such a date is bad. With `midnight` a time without a zone that stands at midnight is a date without a clock.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        encoded = array.dictionary_encode()
        found = _texts(encoded.dictionary, clock=clock, zone=zone, order=order, midnight=midnight)
        index = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        empty = ((ALWAYS,), (False,), (False,), (ALWAYS,))
        parts = zip((found.at, found.bad, found.relative, found.until), empty, strict=True)
        return Times(*(np.append(part, none)[index] for part, none in parts))
    null = np.asarray(array.is_null().to_numpy(zero_copy_only=False), bool)
    never = np.zeros(len(array), bool)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        stamps = pc.cast(array, pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        at = np.where(null, ALWAYS, stamps.fill_null(0).to_numpy())
        if getattr(kind, "tz", None):
            return Times(at, never, never, at)
        days = np.full(len(at), pa.types.is_date(kind)) | (midnight & (at % DAY == 0))
        return _spans(at, days=days, zone=zone, bad=never, relative=never)
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        whole = pc.cast(array, pa.duration("us") if pa.types.is_duration(kind) else pa.time64("us"), safe=False).cast(pa.int64())
        lengths = np.where(null, ALWAYS, whole.fill_null(0).to_numpy())
        return Times(lengths, never, ~null, lengths)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = pc.cast(array, pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
        return _counted(np.asarray(numbers, np.float64), null | np.isnan(numbers), clock=clock)
    nowhere = np.full(len(array), ALWAYS)
    return Times(nowhere, ~null, never, nowhere)


def _spans(walls: np.ndarray, *, days: np.ndarray, zone: str, bad: np.ndarray, relative: np.ndarray) -> Times:
    """Return times of a wall clock in `zone`, of which those at `days` are whole days, as UTC."""
    at = _localised(walls, zone=zone)
    whole = days & (walls != ALWAYS)
    until = np.where(whole, _localised(np.where(whole, walls + (DAY - 1), ALWAYS), zone=zone), at) if whole.any() else at
    return Times(at, bad, relative, until)


Attempt = tuple[np.ndarray, np.ndarray, np.ndarray]  # times, whether a wall clock's, whether days without a clock


def order_of(array: pa.Array) -> str:
    """Return "dmy" or "mdy" where the texts of a column leave no doubt which stands first in 13/04/2020, else ""."""
    import polars as pl

    texts = pl.Series(pl.from_arrow(array), dtype=pl.String).unique()
    parts = texts.str.strip_chars().str.extract_groups(_DAY_FIRST).struct.unnest()
    first, second = (parts.to_series(i).cast(pl.Int32, strict=False).drop_nulls() for i in (0, 1))
    day, month = bool((first > 12).any()), bool((second > 12).any())
    return "dmy" if day and not month else "mdy" if month and not day else ""


def _counted(numbers: np.ndarray, null: np.ndarray, *, clock: str | None) -> Times:
    """Return numbers as microseconds since the case's start."""
    scale = CLOCKS.get(clock or "", 0)
    with np.errstate(over="ignore", invalid="ignore"):
        long = np.where(null, 0.0, numbers) * scale
    bad = ~null & ((scale == 0) | ~np.isfinite(long) | (np.abs(long) > LONGEST))
    at = np.where(null | bad, ALWAYS, np.rint(np.where(bad, 0, long)).astype(np.int64))
    return Times(at, bad, ~null & ~bad, at)


def _localised(at: np.ndarray, *, zone: str) -> np.ndarray:
    """Return times of a wall clock in `zone` as UTC. An hour that occurs twice is its first; one that a zone skips, an hour later."""
    if zone == "UTC":
        return at
    import polars as pl

    known = at != ALWAYS
    walls = np.where(known, at, 0)
    local, later = (
        pl.Series(walls + shift).cast(pl.Datetime("us")).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        for shift in (0, UNITS["h"])
    )
    whole = local.fill_null(later).dt.convert_time_zone("UTC").cast(pl.Int64).to_numpy()
    return np.where(known, whole, ALWAYS)


def _texts(array: pa.Array, *, clock: str | None, zone: str, order: str, midnight: bool) -> Times:
    """Return the times of distinct texts."""
    import polars as pl

    texts = pl.Series(pl.from_arrow(array), dtype=pl.String).str.strip_chars()
    n = len(texts)
    at, until, relative = np.full(n, ALWAYS), np.full(n, ALWAYS), np.zeros(n, bool)
    blank = texts.str.to_lowercase().is_in(list(BLANKS)).fill_null(value=True).to_numpy()
    left = np.flatnonzero(~blank)
    for attempt in (_iso, _clock_times, _dates):
        found, walls, days = attempt(texts.gather(left), order=order)
        hit = found != ALWAYS
        if attempt is _clock_times:
            relative[left[hit]] = True
        days = hit & (days | (walls & midnight & (found % DAY == 0)))
        ends = np.where(days, found + (DAY - 1), found)
        if walls.any():
            found, ends = (np.where(walls, _localised(np.where(walls, t, ALWAYS), zone=zone), t) for t in (found, ends))
        at[left[hit]], until[left[hit]] = found[hit], ends[hit]
        left = left[~hit]
    if clock and len(left):
        numbers = texts.gather(left).cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
        counted = _counted(numbers, np.isnan(numbers), clock=clock)
        at[left], relative[left], until[left] = counted.at, counted.relative, counted.at
    return Times(at, ~blank & (at == ALWAYS), relative, until)


def _iso(texts: pl.Series, *, order: str) -> Attempt:  # noqa: ARG001  one signature for all
    """Return "2020-01-31 10:00:00" with what may follow, fast; whether it is a wall clock's (without zone); never a day alone."""
    import polars as pl

    heads = texts.str.slice(0, 19).str.replace("T", " ", literal=True)
    stamps = heads.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False).cast(pl.Int64)
    encoded = texts.str.slice(19).to_arrow().dictionary_encode()
    tails = pl.Series(pl.from_arrow(encoded.dictionary), dtype=pl.String)
    parts = tails.str.extract_groups(_TAIL).struct.unnest()
    fraction = parts.to_series(0).str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64, strict=False)
    index = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    readable = parts.to_series(0).is_not_null().to_numpy()
    ahead, wall = _ahead(parts.to_series(1))
    shift = fraction.fill_null(0).to_numpy() - ahead
    known = stamps.is_not_null().to_numpy() & (readable[index] if len(readable) else np.zeros(len(index), bool))
    at = np.where(known, stamps.fill_null(0).to_numpy() + (shift[index] if len(shift) else 0), ALWAYS)
    never = np.zeros(len(index), bool)
    return at, known & wall[index] if len(wall) else never.copy(), never


def _ahead(zones: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the microseconds by which zones are ahead of UTC, and where there is none."""
    import polars as pl

    digits = zones.str.replace(":", "", literal=True)
    hours, minutes = (digits.str.slice(k, 2).cast(pl.Int64, strict=False).fill_null(0).to_numpy() for k in (1, 3))
    sign = np.where((digits.str.slice(0, 1) == "-").fill_null(value=False).to_numpy(), -1, 1)
    wall = (zones.fill_null("") == "").to_numpy()
    return sign * (hours * UNITS["h"] + minutes * UNITS["min"]), wall


def _clock_times(texts: pl.Series, *, order: str) -> Attempt:  # noqa: ARG001
    """Return "47:37" since the case's start."""
    import polars as pl

    parts = texts.str.extract_groups(_CLOCK).struct.unnest()
    hit = parts.to_series(1).is_not_null().to_numpy()
    sign = np.where((parts.to_series(0) == "-").fill_null(value=False).to_numpy(), -1, 1)
    hour, minute, second = (
        parts.to_series(k).cast(pl.Float64, strict=False).fill_null(0).to_numpy() for k in (1, 2, 3)
    )  # fmt: skip
    good = hit & (minute < 60) & (second < 60)
    whole = np.rint((hour * 3600 + minute * 60 + second) * UNITS["s"]).astype(np.int64)
    never = np.zeros(len(texts), bool)
    return np.where(good, sign * whole, ALWAYS), never, never.copy()


def _dates(texts: pl.Series, *, order: str) -> Attempt:
    """Return dates in the other forms, with and without a clock."""
    import polars as pl

    at, walls, days = np.full(len(texts), ALWAYS), np.zeros(len(texts), bool), np.zeros(len(texts), bool)
    months = {name: str(i) for i, name in enumerate(_MONTHS, 1)}
    for pattern, places in ((_COMPACT, "ymd"), (_YEAR_FIRST, "ymd"), (_DAY_FIRST, "dmy"), (_NAMED, "dmy")):
        parts = texts.str.extract_groups(pattern).struct.unnest()
        columns = [parts.to_series(i) for i in range(parts.width)]
        if pattern is _NAMED:
            columns[1] = (
                columns[1].str.to_lowercase().str.slice(0, 3).replace_strict(months, default=None, return_dtype=pl.String)
            )
        given = columns[0].is_not_null() & columns[1].is_not_null()
        if pattern is _DAY_FIRST:
            columns, given = _sorted_days(columns, given, texts, order=order)
        hit = np.flatnonzero(given.to_numpy() & (at == ALWAYS))
        if len(hit):
            parts_here = [c.gather(hit) for c in columns]
            at[hit], walls[hit] = _assembled(parts_here, places=places)
            days[hit] = parts_here[3].is_null().to_numpy()
    return at, walls & (at != ALWAYS), days


def _sorted_days(
    columns: list[pl.Series], given: pl.Series, texts: pl.Series, *, order: str
) -> tuple[list[pl.Series], pl.Series]:
    """Return the columns with the day first; points always have it so, slashes and dashes as `order` or the numbers say."""
    import polars as pl

    first, second = (columns[k].cast(pl.Int64, strict=False) for k in (0, 1))
    dotted = texts.str.contains(r"^\d{1,2}\.\d{1,2}\.")
    mdy = (~dotted & ((second > 12) | ((first <= 12) & (order == "mdy")))).fill_null(value=False)
    clear = dotted | (first > 12) | (second > 12) | (first == second) | (order != "")
    day, month = first.zip_with(~mdy, second), second.zip_with(~mdy, first)
    return [day, month, *columns[2:]], given & clear.fill_null(value=False)


def _assembled(columns: list[pl.Series], *, places: str) -> tuple[np.ndarray, np.ndarray]:
    """Return microseconds of year, month, day (in the order `places`), hour, minute, second, half of the day, zone."""
    import polars as pl

    named = dict(zip(places, columns, strict=False))
    whole = {k: named[k].cast(pl.Int64, strict=False).fill_null(0) for k in "ymd"}
    hour, minute = (columns[k].cast(pl.Int64, strict=False).fill_null(0) for k in (3, 4))
    second = columns[5].cast(pl.Float64, strict=False).fill_null(0.0)
    half = columns[6].str.to_lowercase().fill_null("")
    late = ((half == "p") & (hour < 12)).cast(pl.Int64) * 12 - ((half == "a") & (hour == 12)).cast(pl.Int64) * 12
    frame = pl.DataFrame({"y": whole["y"], "m": whole["m"], "d": whole["d"]})
    text = pl.format("{}-{}-{}", pl.col("y").cast(pl.String).str.zfill(4), pl.col("m"), pl.col("d"))
    days = frame.select(text.str.to_date("%Y-%m-%d", strict=False)).to_series().cast(pl.Int64)
    possible = days.is_not_null() & (hour + late < 24) & (minute < 60) & (second < 60)
    ahead, walls = _ahead(columns[7])
    clock = (hour + late).to_numpy() * UNITS["h"] + minute.to_numpy() * UNITS["min"]
    at = days.fill_null(0).to_numpy() * UNITS["d"] + clock + np.rint(second.to_numpy() * UNITS["s"]).astype(np.int64) - ahead
    return np.where(possible.to_numpy(), at, ALWAYS), walls
