"""The frame of a drawing on two numeric axes: grid, ticks and names."""

from __future__ import annotations

from osler.spine.report.canvas import Canvas
from osler.spine.report.scale import Scale, shortened

LETTER = 6.2  # mean width of a letter of 11.5 units


def axes(canvas: Canvas, across: Scale, up: Scale, *, labels: tuple[str, str], grid: bool = True) -> None:
    """Draw the frame, ticks and axis names around the field that the scales span."""
    for value, text in up.ticks(6):
        place = up(value)
        if grid:
            canvas.line((across.start, place), (across.stop, place), "grid")
        canvas.text(text, (across.start - 6, place + 4), "tick", anchor="end")
    for value, text in across.ticks(6):
        place = across(value)
        if grid:
            canvas.line((place, up.start), (place, up.stop), "grid")
        canvas.text(text, (place, up.start + 16), "tick")
    canvas.path([(across.start, up.stop), (across.start, up.start), (across.stop, up.start)], "frame")
    axis_names(canvas, across, up, labels=labels)


def axis_names(canvas: Canvas, across: Scale, up: Scale, *, labels: tuple[str, str]) -> None:
    """Write the names of both axes, shortened to what their axis can hold."""
    middle = (across.start + across.stop) / 2, (up.start + up.stop) / 2
    room = [max(12, int(abs(scale.stop - scale.start) / LETTER) + 4) for scale in (across, up)]
    if labels[0]:
        canvas.text(shortened(labels[0], room[0]), (middle[0], up.start + 34), "axis", full=labels[0])
    if labels[1]:
        canvas.text(shortened(labels[1], room[1]), (12, middle[1]), "axis", turned=True, full=labels[1])
