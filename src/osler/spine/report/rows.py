"""Named things, one a row: horizontal bars, or points with whiskers (a forest plot).

Rows rather than upright bars, because names of classes and columns are long and phones are narrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from osler.language import Words
from osler.spine.report.canvas import Canvas
from osler.spine.report.frame import LETTER
from osler.spine.report.marks import Look, finite
from osler.spine.report.numerals import number
from osler.spine.report.scale import Scale, breadth, extent, shortened

TOP, RIGHT, BOTTOM = 8.0, 14.0, 42.0
MOST_ROWS, MOST_LETTERS = 60, 22


def draw_rows(
    figure: Mapping[str, Any], series: Sequence[Mapping[str, Any]], looks: Sequence[Look], *, words: Words, width: float
) -> Canvas:
    """Draw series whose `x` are names; a reference series gives upright lines at its `y`. At most 60 rows are drawn."""
    shown = [(s, look) for s, look in zip(series, looks, strict=True) if s.get("style") != "reference"]
    names = list(dict.fromkeys(str(x) for s, _ in shown for x in s["x"]))[:MOST_ROWS]
    lines = [y for s in series if s.get("style") == "reference" for y in s["y"] if finite(y)]
    labels = [shortened(words[name], MOST_LETTERS) for name in names]
    pitch = max(20.0, 11.0 * len(shown) + 7)
    left = max([40.0, *(LETTER * breadth(label) + 12 for label in labels)])
    bars = any(s.get("style") == "bars" for s, _ in shown)
    ends = [v for s, _ in shown for key in ("y", "low", "high") for v in (s.get(key) or ())]
    room = 38 if bars else RIGHT  # bars carry their value at the end
    across = Scale(*extent([*ends, *lines], zero=bars, margin=0.05), left, width - room)
    floor = TOP + pitch * len(names)
    label = words[str(figure.get("x_label" if _swapped(figure) else "y_label", ""))]
    canvas = Canvas(width, floor + (BOTTOM if label else BOTTOM - 20))
    _frame(canvas, across, floor, label=label)
    for value in dict.fromkeys(lines):
        canvas.line((across(value), TOP), (across(value), floor), "ref r0")
    for row, (name, label) in enumerate(zip(names, labels, strict=True)):
        canvas.text(label, (left - 8, TOP + pitch * (row + 0.5) + 4), "tick", anchor="end", full=words[name])
        for order, (one, look) in enumerate(shown):
            middle = TOP + pitch * (row + 0.5) + 11 * (order - (len(shown) - 1) / 2)
            _item(canvas, one, look, name=name, across=across, middle=middle)
    return canvas


def _swapped(figure: Mapping[str, Any]) -> bool:
    """Whether the figure names its value axis as x, as forest plots do, rather than as y."""
    return bool(figure.get("x_label")) and not figure.get("y_label")


def _frame(canvas: Canvas, across: Scale, floor: float, *, label: str) -> None:
    for value, text in across.ticks(5):
        canvas.line((across(value), TOP), (across(value), floor), "grid")
        canvas.text(text, (across(value), floor + 16), "tick")
    canvas.path([(across.start, floor), (across.stop, floor)], "frame")
    if label:
        canvas.text(shortened(label, 44), ((across.start + across.stop) / 2, floor + 34), "axis", full=label)


def _item(canvas: Canvas, series: Mapping[str, Any], look: Look, *, name: str, across: Scale, middle: float) -> None:
    at = next((i for i, x in enumerate(series["x"]) if str(x) == name), None)
    if at is None or at >= len(series["y"]) or not finite(series["y"][at]):
        return
    value = series["y"][at]
    if series.get("style") == "bars":
        start, stop = sorted((across(0.0), across(value)))
        canvas.rectangle((start, middle - 5), (max(stop - start, 0.8), 10), f"bar f{look[0]}")
        canvas.text(
            number(value, decimals=0 if float(value).is_integer() else None), (stop + 4, middle + 4), "count", anchor="start"
        )
        return
    low, high = series.get("low") or (), series.get("high") or ()
    if at < min(len(low), len(high)) and finite(low[at]) and finite(high[at]):
        canvas.line((across(low[at]), middle), (across(high[at]), middle), f"whisker c{look[0]}")
    canvas.marker((across(value), middle), look[1], f"dot f{look[0]}", radius=4)
