"""What each input adds, as the report shows it: scores with all inputs and without one, in pairs, and shares of attribution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osler.core.account import Account
from osler.core.scores import Value
from osler.language import Words
from osler.spine.report.drawing import Drawing
from osler.spine.report.forest import Line, draw_forest
from osler.spine.report.numerals import count, number, with_interval
from osler.spine.report.overall import legend, part_name
from osler.spine.report.sides import PARTS, Side, draw_sides
from osler.spine.report.table import label


@dataclass(frozen=True, slots=True)
class Adding:
    """The section: a sentence on each input, two drawings (None where there is nothing to draw), and how they are read."""

    sentences: tuple[str, ...]
    gains: Drawing | None
    shares: Drawing | None
    how: tuple[str, ...]


def adding(account: Account, said: Words) -> Adding | None:
    """Return the section, from what scores.json holds under "inputs"; None with one input."""
    told = account.scores.inputs
    if not told:
        return None
    sentences = tuple(s for row in told["rows"] for s in _sentences(row, told["measure"], said))
    gains = _gains(told, said)
    how = (said.say("adding.withheld"), said.say("adding.paired", n=count(told["resamples"]))) if gains else ()
    return Adding(sentences, gains, _shares(account.scores.explanation, said), how)


def _sentences(row: Mapping[str, Any], measure: str, said: Words) -> list[str]:
    """Return what an input adds, who has it, and why some have not."""
    names = {"name": row["name"], "measure": label(measure, said)}
    cases = {"present": count(row.get("present", 0)), "n": count(row.get("present", 0) + row.get("absent", 0))}
    told = [_gain(row, measure, names, said), said.say("adding.present", **names, **cases)]
    if unread := sum(row.get("unread", {}).values()):
        told.append(said.say("adding.unread", n=count(unread), **names))
    return [said.say("list.sentence").join(told)]


def _gain(row: Mapping[str, Any], measure: str, names: Mapping[str, str], said: Words) -> str:
    found = row["parts"].get("bundle", {}).get(measure)
    if found is None or found["gain"]["value"] is None:
        return said.say("adding.untold", **names)
    gain, places = found["gain"], {"all": number(found["all"]["value"]), "without": number(found["without"]["value"])}
    ends = gain["low"], gain["high"]
    word = "none" if None in ends or ends[0] <= 0 <= ends[1] else "gain" if ends[0] > 0 else "loss"
    return said.say(f"adding.{word}", **names, **places, gain=with_interval(_value(gain), said), cases=count(row["cases"]))


def _gains(told: Mapping[str, Any], said: Words) -> Drawing | None:
    lines: list[Line] = []
    for row in told["rows"]:
        parts = {part: row["parts"][part][told["measure"]]["gain"] for part in PARTS if part in row["parts"]}
        known = {part: gain for part, gain in parts.items() if gain["value"] is not None}
        lines += [Line(row["name"], heading=True)] if known else []
        lines += [Line(part_name(part, said), _value(gain), row["cases"]) for part, gain in known.items()]
    if not lines:
        return None
    title = said.say("adding.drawn", measure=label(told["measure"], said))
    return Drawing("adding", title, draw_forest(lines, whole=0.0, title=title), (), said.say("adding.reading"), "")


def _shares(explanation: Mapping[str, Any], said: Words) -> Drawing | None:
    told = (explanation.get("attribution") or {}).get("inputs") or ()
    rows = [Side(line["name"], {part: 100 * line[part] for part in PARTS if part in line}) for line in told]
    if not rows:
        return None
    title = said.say("adding.shares")
    svg = draw_sides(rows, title=title, axis=said.say("explain.attributed.axis"), sign=False)
    return Drawing("shares", title, svg, legend(said), said.say("adding.shares.reading"), "")


def _value(told: Mapping[str, Any]) -> Value:
    return Value(told["value"], told["low"], told["high"], told.get("note", ""))
