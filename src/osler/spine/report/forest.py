"""A forest plot: the whole and its subgroups, one a row, under the name of the column that tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from osler.core.scores import Value
from osler.spine.report.canvas import Canvas
from osler.spine.report.frame import LETTER
from osler.spine.report.marks import finite
from osler.spine.report.numerals import NONE, count, number
from osler.spine.report.scale import Scale, breadth, extent, shortened

WIDTH, TOP, BOTTOM, PITCH = 360.0, 8.0, 26.0, 19.0
MOST_LETTERS, MOST_LINES = 19, 80
_WIDEST = 4.0  # times the range of the values themselves: a subgroup of few cases must not press the others flat


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the plot; a `heading` has no value."""

    label: str
    value: Value | None = None
    cases: int | None = None
    heading: bool = False


def draw_forest(lines: Sequence[Line], *, whole: float | None, title: str) -> str:
    """Return the plot as SVG: a point for each value, a whisker for its interval, an upright line at `whole`.

    A whisker that leaves the field ends in an arrow. Numbers of cases stand on the right; at most 80 lines are drawn.
    """
    shown = list(lines[:MOST_LINES])
    left = max([60.0, *(LETTER * breadth(shortened(line.label, MOST_LETTERS)) + 16 for line in shown if not line.heading)])
    right = max([20.0, *(LETTER * len(count(line.cases)) + 8 for line in shown if line.cases is not None)])
    floor = TOP + PITCH * len(shown)
    across = Scale(*_field(shown, whole), left, WIDTH - right)
    canvas = Canvas(WIDTH, floor + BOTTOM)
    for value, text in across.ticks(5):
        canvas.line((across(value), TOP), (across(value), floor), "grid")
        canvas.text(text, (across(value), floor + 16), "tick")
    canvas.path([(across.start, floor), (across.stop, floor)], "frame")
    if finite(whole) and whole is not None:
        canvas.line((across(whole), TOP), (across(whole), floor), "ref r0")
    for at, line in enumerate(shown):
        _draw(canvas, line, across, TOP + PITCH * (at + 0.5))
    return canvas.svg(title=f"{title}. {_told(shown)}")


def _field(lines: Sequence[Line], whole: float | None) -> tuple[float, float]:
    values = [line.value.value for line in lines if line.value and finite(line.value.value)]
    low, high = extent([*values, whole])
    room = _WIDEST * (high - low)
    ends = [end for line in lines if line.value for end in (line.value.low, line.value.high) if end is not None and finite(end)]
    near = [min(max(end, low - room), high + room) for end in ends]
    return extent([*values, whole, *near], margin=0.05)


def _draw(canvas: Canvas, line: Line, across: Scale, middle: float) -> None:
    if line.heading:
        canvas.text(shortened(line.label, 2 * MOST_LETTERS), (2, middle + 4), "tick strong", anchor="start", full=line.label)
        return
    label = shortened(line.label, MOST_LETTERS)
    canvas.text(label, (across.start - 8, middle + 4), "tick", anchor="end", full=line.label)
    if line.cases is not None:
        canvas.text(count(line.cases), (WIDTH, middle + 4), "tick", anchor="end")
    if line.value is None or not finite(line.value.value):
        canvas.text(NONE, ((across.start + across.stop) / 2, middle + 4), "tick")
        return
    if line.value.low is not None and line.value.high is not None:
        _whisker(canvas, across, (line.value.low, line.value.high), middle)
    canvas.marker((across(line.value.value), middle), 0, "dot f0", radius=4)


def _whisker(canvas: Canvas, across: Scale, ends: tuple[float, float], middle: float) -> None:
    low, high = max(ends[0], across.low), min(ends[1], across.high)
    canvas.line((across(low), middle), (across(high), middle), "whisker c0")
    for end, kept, side in ((ends[0], low, 1.0), (ends[1], high, -1.0)):
        if end != kept:
            tip = across(kept)
            canvas.path([(tip + 5 * side, middle - 4), (tip, middle), (tip + 5 * side, middle + 4)], "line c0")


def _told(lines: Sequence[Line]) -> str:
    """Return the values as text, for readers who do not see the drawing."""
    return "; ".join(f"{line.label} {number(line.value.value)}" for line in lines if line.value)
