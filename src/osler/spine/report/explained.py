"""The page of `osler explain`: what in a case speaks for its prediction. It holds values of cases: it is the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from osler.language import Words, words
from osler.spine.report.drawing import Mark
from osler.spine.report.looks import pattern
from osler.spine.report.numerals import NONE, count, number, share
from osler.spine.report.overall import compared, feature_name, legend, part_name
from osler.spine.report.page import HTML_LANGUAGE, ways
from osler.spine.report.sides import PARTS, Side, draw_sides, signed
from osler.spine.report.template import style, template

SHOWN, LISTED = 12, 500  # features of a drawing, of a table
LONG = 2  # days, from which how long ago is told in days
MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One feature of a case: its cell, where that lies in training, and what it adds by part."""

    name: str
    cell: str
    place: str
    adds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a case: the drawing, what its parts are, and sentences."""

    name: str
    svg: str
    parts: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """One answer on a case: `value` in large type, sentences, the drawing, pictures, and all features."""

    name: str
    value: str
    sentences: tuple[str, ...]
    svg: str
    legend: tuple[Mark, ...]
    lines: tuple[Line, ...]
    total: int
    pictures: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what it is called, why it was refused if it was, and its answers; of marks on a grid the drawing, what the values in it
    stand for, and what is told of them by name."""

    name: str
    refused: str
    answers: tuple[Told, ...]
    svg: str = ""
    labels: str = ""
    cells: tuple[tuple[str, str], ...] = ()


def write_explanation(
    cases: Sequence[Mapping[str, Any]], *, title: str, language: str, recurring: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Return one HTML page on `cases`, as explanation.json holds them, and on what is `recurring` in the bundle's test cases. Raises
    RequestError for an unknown language."""
    said = words(language)
    content = {
        "language": HTML_LANGUAGE[said.language],
        "style": style(),
        "title": title,
        "cases": [_case(one, said) for one in cases],
        "parts": [part_name(part, said) for part in PARTS],
        "recurring": [pattern(one, said) for one in recurring],
    }
    return template("explained.html.jinja").render(**content, **ways(said))


def _case(told: Mapping[str, Any], said: Words) -> Case:
    row = said.say("explained.row", n=count(told["row"]))
    name = f"{told['id']} · {row}" if told.get("id") else row
    refused = said[told["refused"]] if told["refused"] else ""
    cells = tuple((name, NONE if value is None else number(value)) for name, value in told.get("cells", {}).items())
    answers = tuple(_answer(a, told, said) for a in told["answers"])
    return Case(name, refused, answers, told.get("picture", ""), labels_told(told.get("labels", {}), said), cells)


def labels_told(labels: Mapping[int, str], said: Words) -> str:
    """Return what each value in a drawing of marks stands for."""
    return said.say("list.comma").join(said.say("cases.label", value=value, name=name) for value, name in labels.items())


def _answer(answer: Mapping[str, Any], case: Mapping[str, Any], said: Words) -> Told:
    features = answer["features"]
    rows = [Side(_label(f, said), f["attribution"]) for f in features[:SHOWN]]
    if rest := features[SHOWN:]:
        total = {part: sum(f["attribution"][part] for f in rest) for part in PARTS}
        rows.append(Side(said.say("explained.rest", n=count(len(rest))), total))
    name = f"{answer['target']}: {answer['level']}" if answer["level"] else str(answer["target"])
    axis = said.say(f"explained.axis.{_unit(answer)}", target=answer["target"])
    title = said.say("explained.drawn", target=name)
    lines = tuple(_line(f, said) for f in features[:LISTED])
    svg = draw_sides(rows, title=title, axis=axis)
    pictures = tuple(_shown(one, said) for one in answer.get("pictures", ()))
    return Told(
        name,
        _said(answer["prediction"], answer),
        _sentences(answer, case, said),
        svg,
        legend(said),
        lines,
        len(features),
        pictures,
    )


OWN_WORDS = frozenset({"timelines", "molecules", "sequences"})  # kinds of data whose drawings are no pictures


def _shown(picture: Mapping[str, Any], said: Words) -> Shown:
    modality = picture.get("modality")
    kind = f"picture.{modality}" if modality in OWN_WORDS else "picture"
    layers = [said.say(f"{kind}.{name}") for name in picture["layers"]]
    sentences = [said.say(f"{kind}.{name}.how") for name in picture["layers"]]
    kinds = sorted(picture["kinds"].items(), key=lambda one: -abs(one[1]))
    if kinds:
        adds = said.say("list.comma").join(f"{said[kind]} {signed(value)}" for kind, value in kinds)
        sentences.append(said.say("picture.kinds", adds=adds))
    if "volume" in picture:
        sentences.append(said.say("picture.volume", file=str(picture["volume"])))
    return Shown(str(picture["input"]), str(picture["svg"]), (said.say(f"{kind}.plain"), *layers), tuple(sentences))


def _sentences(answer: Mapping[str, Any], case: Mapping[str, Any], said: Words) -> tuple[str, ...]:
    bundle = answer["bundle"]
    unit = _unit(answer)
    places = {"reference": _score(bundle["reference"], answer, said), "score": _score(bundle["score"], answer, said)}
    parts = {
        "network": _score(answer["network"]["score"], answer, said), "baseline": _score(answer["baseline"]["score"], answer, said),
        "share": share(case["weights"]["network"]), "rest": share(case["weights"]["baseline"]),
    }  # fmt: skip
    kind = compared(case)
    start = ".nothing" if kind in {"nothing", "mixed"} else ""
    return (
        said.say(f"explained.way.{unit}{start}", **places),
        said.say("explained.blend", **parts),
        said.say(f"explain.references.{kind}"),
        said.say("explained.error", error="<0.001" if abs(bundle["error"]) < 0.001 else number(abs(bundle["error"]))),
    )


def _unit(answer: Mapping[str, Any]) -> str:
    return {"log-odds": "odds", "relative log-odds": "relative", "logarithm": "logarithm"}.get(str(answer["scale"]), "value")


def _score(value: float, answer: Mapping[str, Any], said: Words) -> str:
    """Return a score; log-odds with the probability that they are, a logarithm with its number."""
    if answer["scale"] == "log-odds":
        chance = 1 / (1 + exp(-max(-700.0, min(700.0, value))))
        return said.say("explained.odds", value=number(value, decimals=2), chance=share(chance))
    if answer["scale"] == "logarithm":
        return said.say("explained.logarithm", logarithm=number(value), value=number(10 ** max(-300.0, min(300.0, value))))
    return number(value) if answer["scale"] == "value" else number(value, decimals=2)


def _said(value: float | None, answer: Mapping[str, Any]) -> str:
    if value is None:
        return ""
    return number(value) if answer["scale"] in {"value", "logarithm"} else share(value)


def _label(feature: Mapping[str, Any], said: Words) -> str:
    told = cell(feature, said)
    name = feature_name(feature["name"], said)
    return f"{name} = {told}" if told else name


def cell(feature: Mapping[str, Any], said: Words) -> str:
    """Return what the case's cell says, or how often an event of no value occurred; nothing for a feature without either."""
    if "count" in feature and "value" not in feature:
        return said.say("explained.events", n=count(feature["count"]))
    if "value" not in feature and "cell" not in feature:
        return ""
    if feature.get("value") is None:
        return said.say("explained.missing")
    written, value = str(feature.get("cell") or ""), feature["value"]
    # a number with more digits than float32 holds is read more easily without them
    return f"{value:.7g}" if isinstance(value, float) and (not written or len(written) > MOST_DIGITS) else written or str(value)


def _line(feature: Mapping[str, Any], said: Words) -> Line:
    adds = tuple(signed(feature["attribution"][part]) for part in PARTS)
    return Line(feature_name(feature["name"], said), cell(feature, said), place(feature, said), adds)


def place(feature: Mapping[str, Any], said: Words) -> str:
    """Return where among the training cases the cell lies and how long ago it was measured, nothing where neither is known."""
    parts = [part for part in (_band(feature, said), _since(feature, said)) if part]
    return said.say("list.comma").join(parts)


def _since(feature: Mapping[str, Any], said: Words) -> str:
    days = feature.get("since")
    if days is None:
        return ""
    return said.say("explained.hours", n=number(24 * days)) if days < LONG else said.say("explained.days", n=number(days))


def _band(feature: Mapping[str, Any], said: Words) -> str:
    if feature.get("known") is False:
        return said.say("explained.unknown")
    band = feature.get("band")
    if not band:
        return ""
    low, high = (number(100 * level, decimals=0) for level in band)
    if band[0] == 0 and band[1] < 1:
        return said.say("explained.lowest", n=high)
    if band[1] == 1 and band[0] > 0:
        return said.say("explained.highest", n=number(100 - 100 * band[0], decimals=0))
    return said.say("explained.between", low=low, high=high)
