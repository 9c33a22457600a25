"""Bars on both sides of a line: what each feature adds, by the bundle and by its parts beside one another.

A feature's name has a line of its own above its bars: names are long and phones are narrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osler.spine.report.canvas import Canvas
from osler.spine.report.numerals import number
from osler.spine.report.scale import Scale, extent, shortened

PARTS = {"bundle": (0, 10.0), "network": (1, 6.0), "baseline": (2, 6.0)}  # colour and height of each part's bar
WIDTH, TOP, RIGHT, LEFT, LABEL, GAP, FOOT = 360.0, 4.0, 44.0, 44.0, 15.0, 8.0, 40.0
MOST_LETTERS = 54


@dataclass(frozen=True, slots=True)
class Side:
    """One feature: its label, and what it adds by part."""

    label: str
    values: Mapping[str, float]


def draw_sides(rows: Sequence[Side], *, title: str, axis: str, sign: bool = True) -> str:
    """Return the drawing of `rows` as SVG; `title` is its text alternative, `axis` names the values, with a plus before
    those above zero where `sign`."""
    parts = [p for p in PARTS if any(p in row.values for row in rows)]
    height = sum(PARTS[p][1] + 1 for p in parts)
    pitch = LABEL + height + GAP
    across = Scale(
        *extent([v for row in rows for v in row.values.values()], zero=True, margin=0.0), LEFT if sign else 8.0, WIDTH - RIGHT
    )
    floor = TOP + pitch * len(rows)
    canvas = Canvas(WIDTH, floor + FOOT)
    for value, text in across.ticks(5):
        for order in range(len(rows)):
            top = TOP + pitch * order + LABEL
            canvas.line((across(value), top - 1), (across(value), top + height), "grid")
        canvas.text(text, (across(value), floor + 15), "tick")
    for order, row in enumerate(rows):
        top = TOP + pitch * order
        canvas.text(shortened(row.label, MOST_LETTERS), (4, top + 11), "name", anchor="start", full=row.label)
        place = top + LABEL
        canvas.line((across(0.0), place - 1), (across(0.0), place + height), "frame")
        for part in parts:
            colour, tall = PARTS[part]
            if part in row.values:
                _bar(
                    canvas,
                    row.values[part],
                    across,
                    place=place,
                    tall=tall,
                    look=f"bar f{colour}",
                    told=part == parts[0],
                    sign=sign,
                )
            place += tall + 1
    canvas.text(shortened(axis, 56), (WIDTH / 2, floor + 32), "axis", full=axis)
    return canvas.svg(title=title)


def signed(value: float, *, sign: bool = True) -> str:
    """Return a number with two significant places, with a plus before one above zero.

    >>> signed(0.4312), signed(-0.02), signed(12.3)
    ('+0.43', '−0.02', '+12.3')
    """
    text = number(value, decimals=max(0, min(4, 2 if abs(value) >= 0.1 or not value else 3)) if abs(value) < 10 else 1)
    text = text.rstrip("0").rstrip(".") if "." in text and abs(value) < 0.1 else text
    return f"+{text}" if sign and value > 0 else text


def _bar(canvas: Canvas, value: float, across: Scale, *, place: float, tall: float, look: str, told: bool, sign: bool) -> None:
    start, stop = sorted((across(0.0), across(value)))
    canvas.rectangle((start, place), (max(stop - start, 0.8), tall), look)
    if told:
        at, anchor = (stop + 4, "start") if value >= 0 else (start - 4, "end")
        canvas.text(signed(value, sign=sign), (at, place + tall - 1), "count", anchor=anchor)
