"""What moves predictions on the whole, as the report shows it: attributions, what is lost without a feature, effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osler.language import Words
from osler.spine.report.drawing import Drawing, Mark, draw
from osler.spine.report.numerals import count, number, share
from osler.spine.report.sides import PARTS, Side, draw_sides
from osler.spine.report.table import label

SHOWN = 12  # features of a drawing
CURVES = 6  # lines of a drawing

COMPARED = ("typical", "center", "nothing", "mixed")  # what a network compares with


@dataclass(frozen=True, slots=True)
class Overall:
    """The three parts: each drawing with sentences on how it is read; `pages` are drawings of effects."""

    attributed: Drawing | None
    lost: Drawing | None
    effects: tuple[Drawing, ...]
    attributed_how: tuple[str, ...]
    lost_how: tuple[str, ...]
    effects_how: tuple[str, ...]


def overall(told: Mapping[str, Any], said: Words) -> Overall | None:
    """Return the section of the report, from what scores.json holds under "explanation"; None where it holds nothing."""
    if not told:
        return None
    attribution, lost = told.get("attribution") or {}, told.get("permutation") or {}
    if attribution.get("features") == 1 and not lost and not told.get("effects"):
        return None  # of one input alone there is nothing to compare
    effects = tuple(_effect(one, said) for one in told.get("effects") or ())
    return Overall(
        _attributed(attribution, said),
        _lost(lost, said),
        tuple(d for found in effects for d in found),
        _how_attributed(attribution, said),
        _how_lost(lost, said),
        _how_effects(told, said) if effects else (),
    )


def legend(said: Words, parts: Sequence[str] = tuple(PARTS)) -> tuple[Mark, ...]:
    """Return the legend of bars by part."""
    return tuple(Mark(part_name(part, said), "bars", PARTS[part][0], 0) for part in parts)


def part_name(part: str, said: Words) -> str:
    """Return what a part is called: the bundle, the network, the baseline."""
    return said.say(f"part.{'test' if part == 'bundle' else part}")


def feature_name(name: object, said: Words) -> str:
    """Return what a feature is called: one that a kind of data names itself (a molecule's structure) has a word, a column its own."""
    return str(said.get(f"feature.{name}", name))


def _attributed(told: Mapping[str, Any], said: Words) -> Drawing | None:
    rows = [
        Side(feature_name(line["name"], said), {p: 100 * line[p] for p in PARTS if p in line})
        for line in told.get("shares", ())[:SHOWN]
    ]
    if not rows:
        return None
    title = said.say("explain.attributed")
    svg = draw_sides(rows, title=title, axis=said.say("explain.attributed.axis"), sign=False)
    return Drawing("attributed", title, svg, legend(said), "", _rest(told.get("features", 0), len(rows), said))


def _rest(total: int, shown: int, said: Words) -> str:
    return said.say("explain.shown", shown=count(shown), n=count(total)) if total > shown else ""


def _how_attributed(told: Mapping[str, Any], said: Words) -> tuple[str, ...]:
    if not told:
        return ()
    kind = compared(told)
    error = told.get("error")
    told_error = said.say("explain.error", error=share(error)) if not error or error <= 1 else said["explain.error.large"]
    return said.say("explain.attributed.how", n=count(told["cases"])), said.say(f"explain.references.{kind}"), told_error


def compared(told: Mapping[str, Any]) -> str:
    """Return with what the network compares: the end of a sentence's key."""
    return str(told.get("references")) if told.get("references") in COMPARED else "center"


def _lost(told: Mapping[str, Any], said: Words) -> Drawing | None:
    rows = [row for row in told.get("rows", ()) if row["loss"]["value"] is not None][:SHOWN]
    if not rows:
        return None
    losses = [row["loss"] for row in rows]
    names = [feature_name(row["name"], said) for row in rows]
    ends = {end: [one[end] for one in losses] for end in ("low", "high")}
    series = [
        {"label": "", "x": names, "y": [one["value"] for one in losses], "style": "points", **ends},
        {"label": "", "x": [""], "y": [0.0], "style": "reference"},
    ]
    title = said.say("explain.lost")
    axis = said.say("explain.lost.axis", measure=label(told["measure"], said))
    return draw({"name": "lost", "title": title, "x_label": axis, "series": series}, said)


def _how_lost(told: Mapping[str, Any], said: Words) -> tuple[str, ...]:
    if not told:
        return ()
    if told.get("value") is None:
        return (said.say("explain.lost.none", measure=label(told["measure"], said)),)
    places = {"measure": label(told["measure"], said), "value": number(told["value"]), "n": count(told["cases"])}
    parts = [said.say("explain.lost.how", repeats=count(told["repeats"]), **places)]
    parts += [said.say("explain.lost.groups")] if told.get("exchange") == "groups" else []
    parts += [said.say("explain.lost.left", n=count(told["left_out"]))] if told.get("left_out") else []
    return (*parts, said.say("explain.lost.same"))


def _how_effects(told: Mapping[str, Any], said: Words) -> tuple[str, ...]:
    answers = [a for a in told["effects"][0]["answers"] if a["scale"] != "value"]
    named = f"{answers[0]['target']}: {answers[0]['level']}" if len(answers) == 1 else ""
    return said.say("explain.effects"), *([said.say("explain.effects.of", target=named)] if named else [])


def _effect(told: Mapping[str, Any], said: Words) -> list[Drawing]:
    """Return one drawing for all probabilities, one for each number."""
    chances = [a for a in told["answers"] if a["scale"] != "value"][:CURVES]
    numbers = [a for a in told["answers"] if a["scale"] == "value"][:2]
    sets = ([chances] if chances else []) + [[a] for a in numbers]
    return [_effect_drawing(told, answers, said) for answers in sets]


def _effect_drawing(told: Mapping[str, Any], answers: Sequence[Mapping[str, Any]], said: Words) -> Drawing:
    named = told["kind"] == "category"
    several = len(answers) > 1
    series: list[dict[str, Any]] = [
        {
            "label": (a["level"] or a["target"]) if several else "",
            "x": [str(v) for v in told["grid"]] if named else told["grid"],
            "y": a["effect"],
            "style": "points" if named else "line",
        }
        for a in answers
    ]
    ends = [told["grid"][0], told["grid"][-1]]
    series.append({"label": "", "x": [""] if named else ends, "y": [0.0] if named else [0.0, 0.0], "style": "reference"})
    first = answers[0]
    unit = "value" if first["scale"] == "value" else "chance"
    axis = said.say(f"explain.effects.{unit}", target=first["target"])
    figure = {"name": "effect", "title": told["name"], "series": series, ("x_label" if named else "y_label"): axis}
    return draw(figure if named else {**figure, "x_label": told["name"]}, said)
