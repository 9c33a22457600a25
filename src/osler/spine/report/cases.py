"""The page of single cases: the worst and the least sure predictions. It holds values of cases: it is the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from osler.language import Words, words
from osler.spine.report.explained import cell, labels_told, place
from osler.spine.report.numerals import NONE, count, number
from osler.spine.report.page import HTML_LANGUAGE, ways
from osler.spine.report.template import style, template

TABLED = "others"  # a list that is never drawn


@dataclass(frozen=True, slots=True)
class Line:
    """One case: what it is called, what was seen and said, how large its loss or doubt is, (name, value, place) of features, its
    pictures, and why it was refused if it was."""

    name: str
    observed: str
    predicted: str
    weight: str
    features: tuple[tuple[str, str, str], ...]
    pictures: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class List:
    """`name` is a key of the language tables; `drawn` whether its cases are shown rather than told in a table."""

    name: str
    lines: tuple[Line, ...]
    drawn: bool = False

    @property
    def told(self) -> bool:
        """Whether features of the cases are told."""
        return any(line.features for line in self.lines)


def write_cases(
    lists: Mapping[str, Sequence[Mapping[str, Any]]], *, title: str, language: str, labels: Mapping[int, str] | None = None,
    kind: str = "marked",
) -> str:  # fmt: skip
    """Return one HTML page on `lists` of cases by name; `labels` tell of predictions on a grid, the list `kind`, what each value in a
    drawing stands for. Raises RequestError for an unknown language."""
    said = words(language)
    drawn = any(one.get("pictures") for cases in lists.values() for one in cases)
    told = [
        List(name, tuple(_line(one, said) for one in cases), drawn and name != TABLED) for name, cases in lists.items() if cases
    ]
    content = {
        "language": HTML_LANGUAGE[said.language], "style": style(), "title": title, "lists": told,
        "caution": said.say("cases.caution" if labels is None else "cases.caution.marks" if kind == "marked" else f"cases.caution.{kind}"),
        "labels": labels_told(labels or {}, said) if drawn else "",
    }  # fmt: skip
    return template("cases.html.jinja").render(**content, **ways(said))


def _line(one: Mapping[str, Any], said: Words) -> Line:
    row = said.say("explained.row", n=count(one["row"]))
    features = tuple((str(f["name"]), cell(f, said), place(f, said)) for f in one["features"])
    name = f"{one['id']} · {row}" if one["id"] else row
    pictures = tuple(one.get("pictures", ()))
    if "reason" in one:
        return Line(name, "", "", "", features, pictures, said[one["reason"]])
    weight = number(one["weight"]) if isfinite(one["weight"]) else NONE
    return Line(name, str(one["observed"]), str(one["predicted"]), weight, features, pictures)
