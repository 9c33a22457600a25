"""A map as a drawing: a point for each case, for those who may see single cases; or hexagons that hold at least five cases."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from osler.generation.embedding.coloured import MOST_COLOURS, Colours
from osler.generation.embedding.maps import Map
from osler.spine.report.canvas import Canvas, Point
from osler.spine.report.scale import shortened

WIDTH, MARGIN, LINE = 360.0, 8.0, 18.0
LEAST_CASES = 5  # in a hexagon that is drawn
ACROSS = (6, 16)  # hexagons along the longer side of a map, the more the more cases there are
_LOW, _HIGH = 0.4, 1.0  # height of a map in widths
_GAP, _COLUMNS = 14.0, 2
_LETTERS = 22
_BOUNDS = (0.5, 99.5)  # percent of the cases that hexagons reach over: one stray case must not press the others together


@dataclass(frozen=True, slots=True)
class Field:
    """Where a map is drawn: `corner` and `size` of the frame, `middle` of the map and the length `scale` of its unit, the same along both axes,
    as what lies near together is near in any direction."""

    corner: Point
    size: Point
    middle: tuple[float, float]
    scale: float

    def places(self, places: np.ndarray) -> np.ndarray:
        """Return (m, 2) where `places` (m, 2) of the map lie in the drawing."""
        away = (places - np.array(self.middle)) * [self.scale, -self.scale]
        return np.asarray(away + np.array([self.corner[0] + self.size[0] / 2, self.corner[1] + self.size[1] / 2]))

    @property
    def frame(self) -> list[Point]:
        """The four corners."""
        (x, y), (width, height) = self.corner, self.size
        return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def points(found: Map, colours: Colours | None, *, title: str) -> str:
    """Return the SVG of one point for each case, with its legend."""
    names = colours.names if colours else ()
    codes = colours.codes if colours else np.zeros(len(found.rows), np.int64)
    left = MARGIN + LINE
    field = _field(found.places, (left, MARGIN), WIDTH - left - MARGIN, bounds=(0, 100))
    floor = MARGIN + field.size[1]
    canvas = Canvas(WIDTH, floor + LINE * (1.6 + len(names)))
    canvas.path(field.frame, "frame", closed=True)
    radius = 3.0 if len(codes) <= 500 else 2.2
    for (x, y), code in zip(field.places(found.places).tolist(), codes.tolist(), strict=True):
        canvas.marker((x, y), max(code, 0), "dot unknown" if code < 0 else f"dot f{code % MOST_COLOURS}", radius=radius)
    canvas.text(found.labels[0], (left + field.size[0] / 2, floor + 14), "axis")
    canvas.text(found.labels[1], (MARGIN + 8, MARGIN + field.size[1] / 2), "axis", turned=True)
    for at, name in enumerate(names):
        below = floor + LINE * (at + 2)
        canvas.marker((left + 6, below - 4), at, f"dot f{at}", radius=4)
        text = f"{shortened(name, 2 * _LETTERS)} ({int((codes == at).sum()):,})"
        canvas.text(text, (left + 16, below), "tick", anchor="start", full=name)
    return canvas.svg(title=title)


def hexagons(found: Map, colours: Colours | None, *, title: str) -> str:
    """Return the SVG of a map for each colour, on one scale: hexagons, the darker the more cases; those of fewer than five are left out."""
    names, codes = _classes(found, colours)
    columns = min(_COLUMNS, len(names))
    side = (WIDTH - _GAP * (columns - 1)) / columns
    field = _field(found.places, (0.0, 0.0), side, bounds=_BOUNDS)
    down = LINE + field.size[1] + _GAP
    canvas = Canvas(WIDTH, math.ceil(len(names) / columns) * down + LINE)
    for at, name in enumerate(names):
        corner = ((at % columns) * (side + _GAP), LINE + (at // columns) * down)
        here = Field(corner, field.size, field.middle, field.scale)
        _panel(canvas, found, codes == at, field=here, look=f"f{at % MOST_COLOURS}")
        canvas.text(shortened(name, _LETTERS), (corner[0] + side / 2, corner[1] - 5), "tick strong", full=name)
    canvas.text(f"{found.labels[0]} →   {found.labels[1]} ↑", (WIDTH / 2, canvas.height - 4), "axis")
    return canvas.svg(title=title)


def left_out(found: Map, colours: Colours | None) -> int:
    """Return how many cases with a colour lie in hexagons of fewer than five, which are not drawn."""
    names, codes = _classes(found, colours)
    cells = cells_of(_unit(found.places), count=across(len(found.rows)))
    sizes = [size for code in range(len(names)) for size in _counted(cells[codes == code]).values()]
    return sum(size for size in sizes if size < LEAST_CASES)


def across(cases: int) -> int:
    """Return how many hexagons go along the longer side, so that few cases lie in hexagons that are not drawn."""
    return int(np.clip(math.sqrt(cases) / 2.7, *ACROSS))


def cells_of(places: np.ndarray, *, count: int) -> np.ndarray:
    """Return (n, 2) int64, which hexagon each of `places` (n, 2) lies in, `count` of them to a unit: of two lattices of centres, in half
    steps, the nearest."""
    step = np.array([1 / count, math.sqrt(3) / count])
    one, other = np.rint(places / step), np.floor(places / step)
    away = [(((places / step - centre) * [1, math.sqrt(3)]) ** 2).sum(axis=1) for centre in (one, other + 0.5)]
    return np.where((away[0] <= away[1])[:, None], 2 * one, 2 * other + 1).astype(np.int64)


def _classes(found: Map, colours: Colours | None) -> tuple[tuple[str, ...], np.ndarray]:
    if colours is None or not colours.names:
        return ("",), np.zeros(len(found.rows), np.int64)
    return colours.names, colours.codes


def _panel(canvas: Canvas, found: Map, mine: np.ndarray, *, field: Field, look: str) -> None:
    cells = cells_of(_unit(found.places), count=across(len(found.rows)))
    counts = _counted(cells[mine])
    most = max(counts.values(), default=1)
    canvas.window(field.corner, field.size)
    for cell, size in _counted(cells).items():
        if size >= LEAST_CASES:
            canvas.path(_hexagon(cell, found, field), "cell ground", closed=True)
    for cell, size in counts.items():
        if size >= LEAST_CASES:
            canvas.path(_hexagon(cell, found, field), f"density {look}", closed=True, opacity=0.15 + 0.85 * size / most)
    canvas.close_window()
    canvas.path(field.frame, "frame", closed=True)


def _hexagon(cell: tuple[int, int], found: Map, field: Field) -> list[Point]:
    middle, half = _reach(found.places, _BOUNDS)
    length, count = 2 * half.max(), across(len(found.rows))
    centre = np.array([cell[0] / 2, cell[1] / 2 * math.sqrt(3)]) / count * length + middle - length / 2
    (x, y), radius = field.places(centre[None])[0].tolist(), field.scale * length / count / math.sqrt(3)
    return [(x + radius * math.sin(math.pi / 3 * k), y + radius * math.cos(math.pi / 3 * k)) for k in range(6)]


def _unit(places: np.ndarray) -> np.ndarray:
    middle, half = _reach(places, _BOUNDS)
    return np.asarray((places - middle) / (2 * half.max()) + 0.5)


def _reach(places: np.ndarray, bounds: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle (2,) of the map, and how far it reaches from there along each axis (2,)."""
    low, high = np.percentile(places, bounds, axis=0)
    half = np.maximum((high - low) / 2 * 1.08, 1e-9)
    return (low + high) / 2, half


def _field(places: np.ndarray, corner: Point, width: float, *, bounds: tuple[float, float]) -> Field:
    middle, half = _reach(places, bounds)
    height = width * float(np.clip(half[1] / half[0], _LOW, _HIGH))
    scale = min(width / (2 * half[0]), height / (2 * half[1]))
    return Field(corner, (width, height), (float(middle[0]), float(middle[1])), float(scale))


def _counted(cells: np.ndarray) -> dict[tuple[int, int], int]:
    distinct, sizes = np.unique(cells, axis=0, return_counts=True) if len(cells) else (cells, np.empty(0))
    return {(int(a), int(b)): int(size) for (a, b), size in zip(distinct, sizes, strict=True)}
