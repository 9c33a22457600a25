"""A matrix of counts: over named classes (a confusion matrix, first row on top) or over two numeric axes (first row below)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from osler.language import Words
from osler.spine.report.canvas import Canvas
from osler.spine.report.frame import LETTER, axes
from osler.spine.report.marks import draw_series, finite
from osler.spine.report.numerals import number
from osler.spine.report.scale import Scale, breadth, shortened

TOP, RIGHT, MOST_LETTERS = 10.0, 14.0, 14
LINE = 11.5  # height of a label
MOST_WRITTEN = 8  # columns in which a count still fits into its cell


def draw_heat(figure: Mapping[str, Any], words: Words, *, width: float) -> Canvas:
    """Draw `heat` over `x_edges` and `y_edges`: as many edges as cells are names, one more are limits of numeric cells."""
    rows = figure["heat"]
    wide = max(len(row) for row in rows)
    limits = [figure.get("x_edges"), figure.get("y_edges")]
    if all(edges and len(edges) == cells + 1 for edges, cells in zip(limits, (wide, len(rows)), strict=True)):
        return _numeric(figure, words, width=width)
    across, down = (
        [words[str(e)] for e in edges] if edges and len(edges) == cells else [str(i + 1) for i in range(cells)]
        for edges, cells in zip(limits, (wide, len(rows)), strict=True)
    )
    return _named(figure, words, across=across, down=down, width=width)


def _named(figure: Mapping[str, Any], words: Words, *, across: Sequence[str], down: Sequence[str], width: float) -> Canvas:
    rows = figure["heat"]
    left = 26 + LETTER * max(breadth(shortened(n, MOST_LETTERS)) for n in down) + 6
    pitch = min((width - left - RIGHT) / len(across), 120.0)
    tall = min(max(pitch, LINE), 64.0)  # every row has its label; columns take every second where narrow
    upright = max(breadth(n) for n in across) * LETTER > pitch
    floor = TOP + tall * len(rows)
    foot = 12 + LETTER * max(breadth(shortened(n, MOST_LETTERS)) for n in across) if upright else 20.0
    canvas = Canvas(width, floor + foot + 22)
    most = max((v for row in rows for v in row if finite(v)), default=0) or 1
    for i, row in enumerate(rows):
        label = shortened(down[i], MOST_LETTERS)
        canvas.text(label, (left - 6, TOP + tall * (i + 0.5) + 4), "tick", anchor="end", full=down[i])
        for j, value in enumerate(row):
            corner = (left + pitch * j, TOP + tall * i)
            _cell(canvas, value, corner=corner, size=(pitch, tall), most=most, written=len(across) <= MOST_WRITTEN)
    for j, name in list(enumerate(across))[:: max(1, math.ceil(LINE / pitch))]:
        place = (left + pitch * (j + 0.5) + (4 if upright else 0), floor + (6 if upright else 16))
        text = shortened(name, MOST_LETTERS)
        canvas.text(text, place, "tick", anchor="end" if upright else "middle", turned=upright, full=name)
    canvas.text(words[str(figure.get("x_label", ""))], (left + pitch * len(across) / 2, floor + foot + 16), "axis")
    canvas.text(words[str(figure.get("y_label", ""))], (12, (TOP + floor) / 2), "axis", turned=True)
    return canvas


def _cell(
    canvas: Canvas, value: Any, *, corner: tuple[float, float], size: tuple[float, float], most: float, written: bool
) -> None:
    part = value / most if finite(value) else 0.0
    # never darker than .62, so that the count is read on it in the page's own ink
    canvas.rectangle(corner, size, "cell f0", opacity=0.62 * part)
    if written and finite(value):
        text = number(value, decimals=0 if float(value).is_integer() else None)
        canvas.text(text, (corner[0] + size[0] / 2, corner[1] + size[1] / 2 + 4), "cellcount")


def _numeric(figure: Mapping[str, Any], words: Words, *, width: float) -> Canvas:
    rows, xs, ys = figure["heat"], figure["x_edges"], figure["y_edges"]
    left = 30 + LETTER * max(breadth(t) for _, t in Scale(ys[0], ys[-1], 1, 0).ticks(6) or [(0, "0")])
    side = width - left - RIGHT
    across, up = Scale(xs[0], xs[-1], left, left + side), Scale(ys[0], ys[-1], TOP + side, TOP)
    canvas = Canvas(width, TOP + side + 42)
    most = max((v for row in rows for v in row if finite(v)), default=0) or 1
    canvas.window((left, TOP), (side, side))
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            if finite(value) and value:
                corner = (across(xs[j]), up(ys[i + 1]))
                size = (across(xs[j + 1]) - corner[0], up(ys[i]) - corner[1])
                canvas.rectangle(corner, size, "density f0", opacity=0.12 + 0.83 * value / most)
    for one in figure.get("series") or ():
        draw_series(canvas, one, (6, 0) if one.get("style") == "reference" else (1, 0), across=across, up=up, total=1)
    canvas.close_window()
    labels = (words[str(figure.get("x_label", ""))], words[str(figure.get("y_label", ""))])
    axes(canvas, across, up, labels=labels, grid=False)
    return canvas
