"""FHIR's date, dateTime and instant as microseconds since 1970; partial ones by what can have been known when."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARTIAL = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
# Python takes ISO 8601 in forms that FHIR does not have (weeks, no colons); FHIR wants these (R4, 2.24.0.1)
_FULL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?")


@functools.lru_cache(maxsize=1 << 16)  # the events of a visit share their times
def moment(text: str | None, *, zone: tzinfo = UTC, late: bool = True) -> int | None:
    """Return microseconds since 1970-01-01 UTC, None for what is no FHIR time.

    A partial date is a span; `late` takes its last microsecond, because what happened "in May" is surely known only when May is
    over, else its first. Times without an offset are read in `zone`.

    >>> moment("1970-01-01T02:00:00.5+02:00"), moment("1970-01-01", late=False), moment("1970-01-01") // 60_000_000
    (500000, 0, 1439)
    """
    if text is None:
        return None
    try:
        if found := _PARTIAL.fullmatch(text):
            return _of_span(*(int(part) if part else None for part in found.groups()), zone=zone, late=late)
        if not _FULL.fullmatch(text):
            return None
        full = datetime.fromisoformat(text)
        return _microseconds(full if full.tzinfo else full.replace(tzinfo=zone))
    except (ValueError, OverflowError):  # the 31st of June; the year 0
        return None


def _of_span(year: int | None, month: int | None, day: int | None, *, zone: tzinfo, late: bool) -> int:
    start = datetime(year or 0, month or 1, day or 1, tzinfo=zone)
    if not late:
        return _microseconds(start)
    if day:
        following = start + timedelta(days=1)
    elif month:
        following = datetime(start.year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    else:
        following = datetime(start.year + 1, 1, 1, tzinfo=zone)
    return _microseconds(following) - 1


def birth(text: str | None, *, zone: tzinfo = UTC) -> int | None:
    """Return the moment of a birth; a year alone is its 15th of June, a month its first day, as OMOP CDM v5.4 has it."""
    return moment(f"{text}-06-15" if text and len(text) == 4 else text, zone=zone, late=False)


def _microseconds(of: datetime) -> int:
    return (of - _EPOCH) // timedelta(microseconds=1)
