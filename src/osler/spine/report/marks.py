"""The marks of one series on two numeric axes: line, step, points with whiskers, bars, reference; and its band."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from osler.spine.report.canvas import Canvas, Point
from osler.spine.report.scale import Scale

Look = tuple[int, int]


def draw_series(canvas: Canvas, series: Mapping[str, Any], look: Look, *, across: Scale, up: Scale, total: int) -> None:
    """Draw `series` in its style; `total` series share the drawing."""
    style = series.get("style", "line")
    if style == "bars":
        _bars(canvas, series, look, across=across, up=up)
        return
    if style == "points":
        _points(canvas, series, look, across=across, up=up)
        return
    _band(canvas, series, look, across=across, up=up)
    kind = f"ref r{look[1]}" if style == "reference" else f"line c{look[0]} d{look[1] if total > 1 else 0}"
    for run in _runs(series["x"], series["y"]):
        route = list(_stairs(run)) if style == "step" else run
        canvas.path([(across(x), up(y)) for x, y in route], kind)


def finite(value: Any) -> bool:
    """Return whether `value` can be drawn."""
    return value is not None and not isinstance(value, str) and math.isfinite(value)


def _runs(xs: Sequence[Any], ys: Sequence[Any]) -> Iterator[list[Point]]:
    run: list[Point] = []
    for x, y in zip(xs, ys, strict=False):
        if finite(x) and finite(y):
            run.append((x, y))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _stairs(run: Sequence[Point]) -> Iterator[Point]:
    for (x, y), following in zip(run, [*run[1:], None], strict=True):
        yield x, y
        if following is not None:
            yield following[0], y


def _band(canvas: Canvas, series: Mapping[str, Any], look: Look, *, across: Scale, up: Scale) -> None:
    low, high = series.get("low"), series.get("high")
    if not low or not high:
        return
    edge = [(x, a, b) for x, a, b in zip(series["x"], low, high, strict=False) if finite(x) and finite(a) and finite(b)]
    route = [(across(x), up(a)) for x, a, _ in edge] + [(across(x), up(b)) for x, _, b in reversed(edge)]
    if len(edge) > 1:
        canvas.path(route, f"band f{look[0]}", closed=True)


def _points(canvas: Canvas, series: Mapping[str, Any], look: Look, *, across: Scale, up: Scale) -> None:
    low, high = series.get("low") or (), series.get("high") or ()
    for i, (x, y) in enumerate(zip(series["x"], series["y"], strict=False)):
        if not (finite(x) and finite(y)):
            continue
        if i < min(len(low), len(high)) and finite(low[i]) and finite(high[i]):
            canvas.line((across(x), up(low[i])), (across(x), up(high[i])), f"whisker c{look[0]}")
        canvas.marker((across(x), up(y)), look[1], f"dot f{look[0]}")


def _bars(canvas: Canvas, series: Mapping[str, Any], look: Look, *, across: Scale, up: Scale) -> None:
    places = sorted(x for x in series["x"] if finite(x))
    gaps = [b - a for a, b in pairwise(places) if b > a]
    width = 0.92 * (across(min(gaps)) - across(0)) if gaps else 0.2 * (across.stop - across.start)
    for x, y in zip(series["x"], series["y"], strict=False):
        if finite(x) and finite(y):
            top, foot = sorted((up(y), up(0.0)))
            canvas.rectangle((across(x) - width / 2, top), (width, foot - top), f"bar f{look[0]}")
