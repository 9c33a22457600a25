"""A drawing of a case: its events on lanes over time, until the prediction time at the right edge.

No word is in it but the names of codes: times are in hours (h) or days (d), and the colours are those of pictures.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np

from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.timelines.explain.lanes import Lane, lanes

WIDE, LEFT, RIGHT = 440, 8, 384  # of the drawing, in its own units; time runs from LEFT to RIGHT
TOP, NAME, TALL, FOOT = 12, 12, 28, 24  # above the lanes, a lane's name, its strip, the axis of time
LEGEND = 30
SMALL, LARGE = 1.4, 4.8  # radius of an event that adds next to nothing, and of the strongest
FOR, AGAINST = "#d55e00", "#0072b2"  # told apart by colour-blind readers (Okabe and Ito 2008)
STRONG = 0.995  # quantile of what is drawn at full strength
FAINT = 0.03  # of it; weaker events are drawn as grey dots alone
HOURS = 4.0  # days up to which time is told in hours
ROOT = 0.35  # power of time where most events lie close to the prediction
CLOSE = 0.05  # of the span: half of the events lie in it
APART = 44  # between two labels on the axis
_TICKS = (1 / 24, 2 / 24, 4 / 24, 6 / 24, 12 / 24, 1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365, 730, 1825, 3650, 7300, 18250, 36500)


def picture(columns: Columns, row: int, *, layers: Mapping[str, np.ndarray], state: State | None = None) -> str | None:
    """Return an SVG of the case `row`, None where it is absent or nothing is known of it.

    Each lane is a code: values lie as high as they do among the training values (the grey band holds the middle two thirds of
    them), events without a value in the middle, masked ones as crosses. The last value stands to the right. With the layer "attribution" (e,) or (e, 2) orange
    events speak for, blue ones against, the larger the more; the scale below tells the strongest. `+n` counts the other codes.
    """
    if not columns.present[row]:
        return None
    found = lanes(columns, row, adds=layers.get("attribution"), state=state)
    if not found:
        return None
    clock = _Clock(np.concatenate([lane.times for lane in found]))
    strongest = _strongest(found) if "attribution" in layers else 0.0
    parts = [_lane(lane, TOP + turn * (NAME + TALL), clock=clock, strongest=strongest) for turn, lane in enumerate(found)]
    bottom = TOP + len(found) * (NAME + TALL)
    parts += [_edge(bottom), _axis(clock, bottom), *([_legend(bottom + FOOT, strongest)] if strongest else [])]
    high = bottom + FOOT + (LEGEND if strongest else 0)
    box = f'viewBox="0 0 {WIDE} {high}" width="{WIDE}" height="{high}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="picture timeline" {box} role="img">{"".join(parts)}</svg>'


class _Clock:
    """Where times lie on the axis, from the first event to the prediction time."""

    def __init__(self, times: np.ndarray) -> None:
        known = -times[np.isfinite(times)]
        self.span = max(float(known.max(initial=0.0)), 1 / 24)
        close = len(known) > 0 and float(np.median(known)) < CLOSE * self.span
        self.power = ROOT if close else 1.0

    def at(self, times: np.ndarray) -> np.ndarray:
        """Return (e,) from LEFT to RIGHT; what has no time lies at the left edge."""
        share = np.clip(-times / self.span, 0, 1) ** self.power
        return np.asarray(RIGHT - (RIGHT - LEFT) * share)

    def ticks(self) -> list[tuple[float, str]]:
        """Return places and labels of the axis, those that have room, from the prediction time backwards."""
        hours = self.span <= HOURS
        each = [t for t in _TICKS if t <= self.span * 1.001]
        if self.power == 1:
            step = next((t for t in _TICKS if (RIGHT - LEFT) * t / self.span >= APART), _TICKS[-1])
            each = [step * n for n in range(1, int(self.span / step * 1.001) + 1)]
        found, last = [(float(RIGHT), "0")], float(RIGHT)
        for days in each:
            place = float(self.at(np.array([-days]))[0])
            if last - place >= APART * (
                1 if place - LEFT > APART / 2 else 1.5
            ):  # the label at the left edge stands beside its place
                found.append((place, f"−{days * 24:g} h" if hours or days < 1 else f"−{days:g} d"))
                last = place
        return found


def _strongest(found: Sequence[Lane]) -> float:
    adds = np.abs(np.concatenate([lane.adds for lane in found]))
    return float(np.quantile(adds, STRONG)) or float(adds.max())


def _lane(lane: Lane, top: float, *, clock: _Clock, strongest: float) -> str:
    """Return a lane: its name, the training band, a line through the values, dots, and what they add."""
    across = clock.at(lane.times)
    middle, half = top + NAME + TALL / 2, TALL / 2 - LARGE
    there = ~np.isnan(lane.heights)
    down = middle - half * np.where(there, lane.heights, 0.0)
    parts = [_text(LEFT, top + NAME - 3, lane.name), _line((LEFT, middle), (RIGHT, middle), opacity=0.12)]
    if lane.band is not None:
        low, high = lane.band
        parts.append(f'<rect x="{LEFT}" y="{middle - half * high:.1f}" width="{RIGHT - LEFT}" height="{half * (high - low):.1f}" '
                     'fill="currentColor" fill-opacity=".08"/>')  # fmt: skip
    if there.sum() > 1:
        parts.append(_path(_way(across[there], down[there]), width=1, opacity=0.35))
    plain = ~lane.masked
    parts.append(_path("".join(f"M{x:.1f} {y:.1f}h0" for x, y in zip(across[plain], down[plain], strict=True)), width=2.6))
    parts.append(_path("".join(f"M{x - 2:.1f} {middle - 2:.1f}l4 4m0-4l-4 4" for x in across[lane.masked]), width=1))
    parts += _spoken(lane, across, down, strongest=strongest)
    if lane.last is not None:
        parts.append(_text(WIDE - 2, middle + 4, f"{lane.last:.4g}", anchor="end"))
    return "".join(parts)


def _spoken(lane: Lane, across: np.ndarray, down: np.ndarray, *, strongest: float) -> list[str]:
    """Return circles over the events that speak for or against."""
    if not strongest:
        return []
    shares = np.clip(np.abs(lane.adds) / strongest, 0, 1)
    return [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{SMALL + (LARGE - SMALL) * share**0.5:.1f}" fill="{FOR if add > 0 else AGAINST}" '
        f'fill-opacity="{0.3 + 0.6 * share:.2f}"/>'
        for x, y, add, share in zip(across, down, lane.adds, shares, strict=True)
        if share > FAINT
    ]


def _edge(bottom: float) -> str:
    """Return the mark of the prediction time."""
    line = _line((RIGHT, TOP - 4), (RIGHT, bottom + 4), opacity=0.8)
    return f'{line}<path d="M{RIGHT - 4} {TOP - 9}h8l-4 6z" fill="currentColor" fill-opacity=".8"/>'


def _axis(clock: _Clock, bottom: float) -> str:
    parts = []
    for turn, (place, label) in enumerate(clock.ticks()):
        parts += [_line((place, bottom), (place, bottom + 4), opacity=0.6)] if turn else []
        anchor = "middle" if place - LEFT > APART / 2 else "start"
        parts.append(_text(place if anchor == "middle" else LEFT, bottom + 16, label, anchor=anchor))
    return "".join(parts)


def _legend(top: float, strongest: float) -> str:
    """Return the circles of the strongest against and for, and half as much, with their numbers."""
    shares = (-1.0, -0.5, 0.5, 1.0)
    places = np.linspace(LEFT + 30, RIGHT - 30, len(shares))
    parts = []
    for place, share in zip(places, shares, strict=True):
        lane = Lane("", np.zeros(1), np.zeros(1), np.zeros(1, bool), np.array([share * strongest]))
        parts += _spoken(lane, np.array([place]), np.array([top + 6.0]), strongest=strongest)
        parts.append(_text(float(place), top + 24, f"{share * strongest:+.2g}".replace("-", "−"), anchor="middle"))
    return "".join(parts)


def _way(across: np.ndarray, down: np.ndarray) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(across, down, strict=True))


def _path(way: str, *, width: float, opacity: float = 0.45) -> str:
    if not way:
        return ""
    look = f'stroke="currentColor" stroke-width="{width}" stroke-opacity="{opacity}" stroke-linecap="round"'
    return f'<path d="{way}" fill="none" {look}/>'


def _line(start: tuple[float, float], end: tuple[float, float], *, opacity: float) -> str:
    ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {ends} stroke="currentColor" stroke-opacity="{opacity}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    told = html.escape(text, quote=True)
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" text-anchor="{anchor}" fill="currentColor">{told}</text>'
