"""Values that may stand in a file without a person: dummies, moved dates, text of known words."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any

OLDEST = 90  # years; those who are older are few, and are told as this (45 CFR 164.514(b)(2)(i)(C))
LONGEST = 64  # characters of a cleaned text: as many as an LO may have

# of each value representation (PS3.5, 6.2) something that is no one's
DUMMIES: dict[str, Any] = {
    **dict.fromkeys(("AE", "CS", "LO", "PN", "SH"), "REMOVED"),
    **dict.fromkeys(("LT", "ST", "UC", "UT"), "Removed"),
    **dict.fromkeys(("DS", "IS"), "0"),
    **dict.fromkeys(("FD", "FL"), 0.0),
    **dict.fromkeys(("SL", "SS", "SV", "UL", "US", "UV", "AT"), 0),
    **dict.fromkeys(("OB", "OW", "UN"), b"\0\0"),
    **dict.fromkeys(("OF", "OL"), bytes(4)),
    **dict.fromkeys(("OD", "OV"), bytes(8)),
    "AS": "000Y", "DA": "19000101", "DT": "19000101000000", "TM": "000000", "UR": "about:blank",
}  # fmt: skip
_NUMBERS = {
    "DS": re.compile(rb"[-+0-9.eE\\ \0]*"), "IS": re.compile(rb"[-+0-9\\ \0]*"), "AS": re.compile(rb"[0-9DWMY\\ \0]*"),
    "DA": re.compile(rb"[0-9.\\ \0]*"), "TM": re.compile(rb"[0-9.:\\ \0]*"), "DT": re.compile(rb"[-+0-9.\\ \0]*"),
}  # fmt: skip
_MOMENT = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{0,6}(?:\.\d{1,6})?)([-+]\d{4})?")
_TITLES = frozenset(
    {"dr", "prof", "mrs", "ms", "miss", "Mr.", "Mr", "herr", "frau", "mme", "sir", "by", "physician", "patient", "name"}
)
_CLOCK = re.compile(r"\d{2}:?(\d{2}:?(\d{2}(\.\d{1,6})?)?)?")


def plausible(raw: bytes, vr: str) -> bool:
    """Return whether `raw` holds only the signs that a number or date of this value representation is written with."""
    pattern = _NUMBERS.get(vr)
    return pattern is None or pattern.fullmatch(raw) is not None


def moved(text: str, vr: str, *, days: int) -> str | None:
    """Return a date (DA, DT) moved by `days`, or a time of day (TM) as it is; None for what is none of them.

    A DT of a year or month moves as its first day does, and keeps its precision; an offset from UTC, which tells a place, goes.
    """
    told = text.strip(" \0")
    if vr == "TM":
        return told if _CLOCK.fullmatch(told) else None
    found = _MOMENT.fullmatch(told.replace(".", "") if vr == "DA" else told)
    if not found or (vr == "DA" and (not found[3] or found[4] or found[5])):
        return None
    year, month, day, clock, _ = found.groups()
    try:
        when = date(int(year), int(month or 1), int(day or 1)) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    if when.year < 1000:  # four digits
        return None
    length = 4 + 2 * bool(month) + 2 * bool(day)
    return when.strftime("%Y%m%d")[:length] + clock


def capped(age: str) -> str:
    """Return an age string with those above 89 years told as 90.

    >>> capped("093Y"), capped("045Y"), capped("011M")
    ('090Y', '045Y', '011M')
    """
    told = age.strip(" \0")
    years = told.endswith("Y") and told[:-1].isdigit()
    return f"{OLDEST:03d}Y" if years and int(told[:-1]) >= OLDEST else told


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Return the words, in lower case, that may stay in a description."""
    lines = files("osler.interop.deidentify").joinpath("words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def known_words(text: str, *, names: frozenset[str] = frozenset()) -> str:
    """Return what of `text` is known to be about the examination: words of the vocabulary and thicknesses, in their order.

    What follows a title, and the lower-case `names`, may be a person even where the word is known.

    >>> known_words("CT HEAD Dr. Foot 5mm 19-12345 w/o contrast")
    'CT HEAD 5mm without contrast'
    """
    kept: list[str] = []
    titled = False
    text = re.sub(r"(?i)(?<![a-z0-9])w/(o\b)?", lambda found: "without " if found[1] else "with ", text)
    for word in re.split(r"[\s_^\\=/]+", text):
        bare = word.strip(".,;:()[]<>*#'\"")
        parts = [bare] if bare.casefold() in vocabulary() else bare.split("-")
        told = [part for part in parts if _known(part) and part.casefold() not in names]
        kept += [] if titled or word in _TITLES else told
        titled = word in _TITLES or word.casefold().strip(".") in _TITLES
    return " ".join(kept)[:LONGEST].strip()


def _known(word: str) -> bool:
    return word.casefold() in vocabulary() or re.fullmatch(r"\d{1,2}([.]\d)?mm", word, re.IGNORECASE) is not None
