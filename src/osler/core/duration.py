"""Spans of time as people write them: "48h", "30 min", "1 d 12 h", "2y"."""

from __future__ import annotations

import re
from typing import Any

from osler.core.errors import StudyError, did_you_mean

# Microseconds. A year is 365.25 days, as in SI-based practice; a month has no fixed length, so there is none.
SECOND = 1_000_000
UNITS = {
    "s": SECOND,
    "min": 60 * SECOND,
    "h": 3_600 * SECOND,
    "d": 86_400 * SECOND,
    "w": 7 * 86_400 * SECOND,
    "y": 31_557_600 * SECOND,
}
_WORDS = {
    "s": ("sec", "second", "seconds"),
    "min": ("mins", "minute", "minutes"),
    "h": ("hr", "hrs", "hour", "hours"),
    "d": ("day", "days"),
    "w": ("week", "weeks"),
    "y": ("yr", "yrs", "year", "years"),
}
_UNITS = {word: UNITS[unit] for unit, words in _WORDS.items() for word in (unit, *words)}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*,?")
_MONTHS = {"m", "mo", "mon", "month", "months"}
MOST = 200 * UNITS["y"]  # no life is longer; times stay far from the ends of int64


def duration(text: Any, *, of: str = "") -> int:
    """Return the microseconds of a span such as "48h", "30min", "1.5 d" or "1d 12h".

    Units: s, min, h, d, w, y (365.25 days) and their English words. `of` names what the span is of, for the message.
    Raises StudyError for anything else: a bare number has no unit, and "m" may be minutes or months.

    >>> duration("48h") == duration("2 days") == 48 * UNITS["h"]
    True
    """
    subject = f"{of}: " if of else ""
    wanted = "wanted a number with s, min, h, d, w or y, such as '48h', '30min', '1d 12h' or '2y'"
    if not isinstance(text, str):
        raise StudyError(f"{subject}{text!r} is no duration; {wanted}")
    parts = list(_PART.finditer(text))
    if not parts or "".join(p.group(0) for p in parts) != text:
        raise StudyError(f"{subject}'{text}' is no duration; {wanted}")
    total = 0.0
    for part in parts:
        unit = part.group(2).lower()
        if unit in _MONTHS:
            raise StudyError(
                f"{subject}'{text}' may be minutes or months, whose lengths differ; write minutes as 'min', months as days"
            )
        if unit not in _UNITS:
            raise StudyError(f"{subject}'{text}' has no unit '{unit}'{did_you_mean(unit, UNITS)}; {wanted}")
        total += float(part.group(1)) * _UNITS[unit]
    if total > MOST:
        raise StudyError(f"{subject}'{text}' is longer than 200 years; {wanted}")
    return round(total)
