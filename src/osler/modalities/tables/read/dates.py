"""Dates as people write them, without guessing which of two numbers is the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

NONE, CLEAR, EITHER = 0, 1, 2  # no date; a date; a date whose day and month could change places ("03/04/2020")

_CLOCK = r"(?:(?:T| +)(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?"
_ZONE = r" *(Z|UTC|[+-]\d{2}:?\d{2})?"
_YEAR_FIRST = rf"(?i)^(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_CLOCK}{_ZONE}$"
_YEAR_LAST = rf"(?i)^(\d{{1,2}})([-/.])(\d{{1,2}})[-/.](\d{{4}}){_CLOCK}{_ZONE}$"
_NAMED = rf"(?i)^(\d{{1,2}})[- ]?([a-z]{{3,9}})\.?[-, ]*(\d{{4}}){_CLOCK}{_ZONE}$"  # 5-Mar-2094, 05MAR2094, 5 March 2094
_NAMED_FIRST = rf"(?i)^([a-z]{{3,9}})\.? (\d{{1,2}}),? (\d{{4}}){_CLOCK}{_ZONE}$"  # March 5, 2094
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_LENGTHS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True, slots=True)
class Dates:
    """Texts taken apart, n each: `form` NONE, CLEAR or EITHER; `year`, `first` and `second` numbers, which are month and day
    where clear and still in the order of the text otherwise; `clock` days to add for the time of day and the zone."""

    form: np.ndarray
    year: np.ndarray
    first: np.ndarray
    second: np.ndarray
    clock: np.ndarray

    def days(self, *, order: str) -> np.ndarray:
        """Return days since 1970-01-01, NaN where there is no such day; EITHER is read by `order` ("dmy", "mdy", else NaN)."""
        swap = (self.form == EITHER) & (order == "dmy")
        month, day = np.where(swap, self.second, self.first), np.where(swap, self.first, self.second)
        known = (self.form == CLEAR) | ((self.form == EITHER) & (order in {"dmy", "mdy"}))
        known &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= _LENGTHS[np.clip(month, 1, 12) - 1])
        start = (np.where(known, self.year, 1970) - 1970).astype("M8[Y]").astype("M8[M]")
        begin = start + np.where(known, month - 1, 0).astype("m8[M]")
        length = ((begin + 1).astype("M8[D]") - begin.astype("M8[D]")).astype(int)
        known &= day <= length
        whole = begin.astype("M8[D]").astype(np.int64) + day - 1
        return np.where(known, whole + self.clock, np.nan)


def read_dates(texts: pl.Series) -> Dates:
    """Take `texts` (n) apart; see `Dates`."""
    n = len(texts)
    year, first, second = np.zeros((3, n), np.int64)
    parts = Dates(np.zeros(n, np.int8), year, first, second, np.zeros(n))
    likely = texts.str.contains(r"\d{4}").fill_null(value=False) & (texts.str.len_bytes() <= 40).fill_null(value=False)
    at = np.flatnonzero(likely.to_numpy())
    if not len(at):
        return parts
    some = texts.gather(at)
    for pattern, places in ((_YEAR_FIRST, (1, 2, 3)), (_YEAR_LAST, (4, 1, 3))):
        _numeric(parts, at, _groups(some, pattern), places=places)
    for pattern, places in ((_NAMED, (3, 2, 1)), (_NAMED_FIRST, (3, 1, 2))):
        _named(parts, at, _groups(some, pattern), places=places)
    return parts


def _groups(texts: pl.Series, pattern: str) -> pl.DataFrame:
    return texts.str.extract_groups(pattern).struct.unnest()


def _numeric(parts: Dates, at: np.ndarray, groups: pl.DataFrame, *, places: tuple[int, int, int]) -> None:
    columns = [groups.to_series(i) for i in range(groups.width)]
    hit = columns[0].is_not_null().to_numpy()
    if not hit.any():
        return
    year, first, second = (_whole(columns[p - 1])[hit] for p in places)
    to = at[hit]
    parts.year[to], parts.first[to], parts.second[to] = year, first, second
    parts.form[to] = CLEAR
    if places[0] == 4:  # the year stands last: with points the day is first everywhere, else it may be either
        dotted = (columns[1] == ".").fill_null(value=False).to_numpy()[hit]
        parts.first[to], parts.second[to] = np.where(dotted, second, first), np.where(dotted, first, second)
        parts.form[to] = np.where(dotted, CLEAR, EITHER)
    parts.clock[to] = _clock(columns[-4:])[hit]


def _named(parts: Dates, at: np.ndarray, groups: pl.DataFrame, *, places: tuple[int, int, int]) -> None:
    columns = [groups.to_series(i) for i in range(groups.width)]
    names = {name[:k]: str(i) for i, name in enumerate(_MONTHS, 1) for k in (3, len(name))} | {"sept": "9"}
    number = _whole(columns[places[1] - 1].str.to_lowercase().replace_strict(names, default=None, return_dtype=columns[0].dtype))
    hit = number > 0
    to = at[hit]
    parts.form[to], parts.first[to] = CLEAR, number[hit]
    parts.year[to], parts.second[to] = _whole(columns[places[0] - 1])[hit], _whole(columns[places[2] - 1])[hit]
    parts.clock[to] = _clock(columns[-4:])[hit]


def _whole(texts: pl.Series) -> np.ndarray:
    import polars as pl

    return texts.cast(pl.Int64, strict=False).fill_null(0).to_numpy()


def _clock(columns: list[pl.Series]) -> np.ndarray:
    """Return days from hour, minute, second and zone, NaN for a time that no clock shows."""
    hour, minute, second = (_whole(c) for c in columns[:3])
    zone = columns[3].str.replace(":", "", literal=True)
    sign = np.where((zone.str.slice(0, 1) == "-").fill_null(value=False).to_numpy(), -1, 1)
    ahead = sign * (_whole(zone.str.slice(1, 2)) * 60 + _whole(zone.str.slice(3, 2)))
    possible = (hour < 24) & (minute < 60) & (second <= 60)
    return np.where(possible, (hour * 3600 + minute * 60 + second - ahead * 60) / 86_400, np.nan)
