"""A figure as inline SVG.

Written by hand rather than by matplotlib: text stays text in the page's own fonts (Chinese too), colours follow the reader's
light or dark theme by CSS class, a drawing takes 2–10 kB, is the same byte for byte, and needs no import of half a second.
Colours are Okabe and Ito's; dashes and marker shapes tell the series apart without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osler.language import Words
from osler.spine.report.canvas import Canvas, Point
from osler.spine.report.frame import LETTER, axes
from osler.spine.report.heat import MOST_WRITTEN, draw_heat
from osler.spine.report.marks import Look, draw_series, finite
from osler.spine.report.numerals import number
from osler.spine.report.rows import MOST_ROWS, draw_rows
from osler.spine.report.scale import Scale, breadth, extent

WIDTH = 360.0  # of every drawing, in its own units: letters of 11.5 are then 10.5 px high on the narrowest phone
TOP, RIGHT, BOTTOM = 10.0, 14.0, 42.0
COLOURS, DASHES = 6, 5
Range = tuple[float, float]
KNOWN = {"bundle": 0, "network": 1, "baseline": 2}  # the same look in every figure


@dataclass(frozen=True, slots=True)
class Mark:
    """One entry of the legend: `colour` and `dash` are numbers of looks, `style` that of the series."""

    label: str
    style: str
    colour: int
    dash: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished figure; `reading` tells in a sentence how it is read, `note` is the figure's own."""

    name: str
    title: str
    svg: str
    legend: tuple[Mark, ...]
    reading: str
    note: str


def draw(figure: Mapping[str, Any], words: Words) -> Drawing:
    """Draw `figure` (the content of `Figure.to_dict`); missing parts are taken as empty, nulls in series as gaps."""
    title = words[str(figure.get("title") or figure.get("name") or "")]
    series = [s for s in figure.get("series") or () if len(s.get("x") or ()) and len(s.get("y") or ())]
    looks = _looks(series)
    named = any(isinstance(x, str) for s in series for x in s["x"])
    alternative = describe(figure, words)
    if figure.get("heat"):
        canvas = draw_heat(figure, words, width=WIDTH)
    elif named:
        canvas = draw_rows(figure, series, looks, words=words, width=WIDTH)
    else:
        canvas = _plot(figure, series, looks, words)
    legend = tuple(
        Mark(words[str(s.get("label", ""))], s.get("style", "line"), *look) for s, look in zip(series, looks, strict=True)
    )
    shown = tuple(m for m in legend if m.label and m.label != title) if len(legend) > 1 else ()
    reading = words.get(f"read.{figure.get('title')}", "")
    return Drawing(
        str(figure.get("name", "")), title, canvas.svg(title=alternative), shown, reading, _note(figure, series, words)
    )


def _note(figure: Mapping[str, Any], series: Sequence[Mapping[str, Any]], words: Words) -> str:
    parts = [words[str(figure["note"])]] if figure.get("note") else []
    cells = [v for row in figure.get("heat") or () for v in row if finite(v)]
    if cells and len(figure["heat"][0]) > MOST_WRITTEN:
        parts.append(words.say("figure.scale", n=number(max(cells), decimals=0)))
    names = {str(x) for s in series for x in s["x"] if isinstance(x, str)}
    if len(names) > MOST_ROWS and not cells:
        parts.append(words.say("figure.rows", shown=MOST_ROWS, n=len(names)))
    return words.say("list.sentence").join(parts)


def describe(figure: Mapping[str, Any], words: Words) -> str:
    """Return the text alternative: what is drawn against what, and where each series begins and ends."""
    title = words[str(figure.get("title") or figure.get("name") or "")]
    axes = {"x": words[str(figure.get("x_label", ""))], "y": words[str(figure.get("y_label", ""))]}
    parts = [words.say("figure.alternative", title=title, **axes)]
    for s in figure.get("series") or ():
        ends = [(x, y) for x, y in zip(s.get("x") or (), s.get("y") or (), strict=False) if y is not None]
        if ends and not isinstance(ends[0][0], str) and s.get("style") != "reference":
            places = {"x0": ends[0][0], "y0": ends[0][1], "x1": ends[-1][0], "y1": ends[-1][1]}
            told = {k: f"{v:.3g}" for k, v in places.items()}
            parts.append(words.say("figure.series", label=words[str(s.get("label", ""))], **told))
    return " ".join(parts)


def _plot(figure: Mapping[str, Any], series: Sequence[Mapping[str, Any]], looks: Sequence[Look], words: Words) -> Canvas:
    square = bool(figure.get("square"))
    drawn = [s for s in series if s.get("style") != "reference"] or series
    xs, ys = ((0.0, 1.0), (0.0, 1.0)) if square else _ranges(series, drawn)
    left = 24 + LETTER * max(breadth(text) for _, text in Scale(*ys, 1, 0).ticks(6) or [(0, "0")]) + 6
    field: Point = (WIDTH - left - RIGHT, WIDTH - left - RIGHT if square else 216.0)
    across = Scale(*xs, left, left + field[0])
    up = Scale(*ys, TOP + field[1], TOP)
    canvas = Canvas(WIDTH, TOP + field[1] + BOTTOM)
    labels = (words[str(figure.get("x_label", ""))], words[str(figure.get("y_label", ""))])
    axes(canvas, across, up, labels=labels)
    # two units of room, so that a line along the frame keeps its full stroke
    canvas.window((left - 2, TOP - 2), (field[0] + 4, field[1] + 4))
    for one, look in sorted(zip(series, looks, strict=True), key=lambda pair: pair[0].get("style") != "reference"):
        draw_series(canvas, one, look, across=across, up=up, total=len(drawn))
    canvas.close_window()
    return canvas


def _ranges(series: Sequence[Mapping[str, Any]], drawn: Sequence[Mapping[str, Any]]) -> tuple[Range, Range]:
    """The axes hold all that is drawn and every level line, and of a slanted reference what lies near: treating all falls to
    minus infinity, and would press the curves flat."""
    bars = any(s.get("style") == "bars" for s in drawn)
    references = [[y for y in s["y"] if finite(y)] for s in series if s not in drawn]
    levels = [ys[0] for ys in references if ys and min(ys) == max(ys)]
    low, high = extent([*_column(drawn, "y", "low", "high"), *levels], zero=bars, margin=0.06)
    near = [y for ys in references for y in ys if abs(y - (low + high) / 2) < (high - low) * 0.75]
    return extent(_column(drawn, "x"), margin=0.06 if bars else 0.02), (min([low, *near]), max([high, *near]))


def _column(series: Sequence[Mapping[str, Any]], *names: str) -> list[float | None]:
    return [v for s in series for name in names for v in (s.get(name) or ())]


def _looks(series: Sequence[Mapping[str, Any]]) -> list[Look]:
    looks: list[Look] = []
    free = 0
    known = [_known(s) for s in series]
    taken = {k for k in known if k is not None}
    for one, fixed in zip(series, known, strict=True):
        while fixed is None and free in taken:
            free += 1
        index = free if fixed is None else fixed
        if fixed is None and one.get("style") != "reference":
            free += 1
        looks.append((index % COLOURS, index % DASHES))
    references = [i for i, s in enumerate(series) if s.get("style") == "reference"]
    for order, i in enumerate(references):
        looks[i] = (COLOURS, order % 3)
    return looks


def _known(series: Mapping[str, Any]) -> int | None:
    label = str(series.get("label", "")).casefold()
    return next((look for name, look in KNOWN.items() if label.startswith(name)), None)
