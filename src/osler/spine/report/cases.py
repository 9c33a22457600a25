"""The page of single cases: the worst and the least sure predictions. It holds values of cases: it is the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osler.language import Words, words
from osler.spine.report.explained import cell, place
from osler.spine.report.numerals import count, number
from osler.spine.report.page import HTML_LANGUAGE, ways
from osler.spine.report.template import style, template


@dataclass(frozen=True, slots=True)
class Line:
    """One case: what it is called, what was seen and said, how large its loss or doubt is, and (name, value, place) of features."""

    name: str
    observed: str
    predicted: str
    weight: str
    features: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class List:
    """`name` is a key of the language tables."""

    name: str
    lines: tuple[Line, ...]


def write_cases(lists: Mapping[str, Sequence[Mapping[str, Any]]], *, title: str, language: str) -> str:
    """Return one HTML page on `lists` of cases by name. Raises RequestError for an unknown language."""
    said = words(language)
    told = [List(name, tuple(_line(one, said) for one in cases)) for name, cases in lists.items() if cases]
    content = {"language": HTML_LANGUAGE[said.language], "style": style(), "title": title, "lists": told}
    return template("cases.html.jinja").render(**content, **ways(said))


def _line(one: Mapping[str, Any], said: Words) -> Line:
    row = said.say("explained.row", n=count(one["row"]))
    features = tuple((str(f["name"]), cell(f, said), place(f, said)) for f in one["features"])
    name = f"{one['id']} · {row}" if one["id"] else row
    return Line(name, str(one["observed"]), str(one["predicted"]), number(one["weight"]), features)
