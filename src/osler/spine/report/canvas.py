"""An SVG under construction: every text is escaped, every coordinate rounded to a tenth, every look a CSS class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

Point = tuple[float, float]
MOST_POINTS = 800  # more cannot be told apart at the width of a column, and the file stays small


class Canvas:
    """Collects marks; `svg` closes the drawing."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._marks: list[str] = []

    def line(self, start: Point, stop: Point, look: str) -> None:
        """Draw a straight line."""
        self._add("line", look, x1=start[0], y1=start[1], x2=stop[0], y2=stop[1])

    def path(self, points: Iterable[Point], look: str, *, closed: bool = False, opacity: float | None = None) -> None:
        """Draw a polyline; neighbours that fall on one place are drawn once."""
        route = _thinned([(round(x, 1), round(y, 1)) for x, y in points])
        if route:
            turns = "L".join(f"{_n(x)} {_n(y)}" for x, y in route)
            shade = "" if opacity is None else f' fill-opacity="{round(opacity, 2)}"'
            self._marks.append(f'<path class="{look}" d="M{turns}{"Z" if closed else ""}"{shade}/>')

    def rectangle(self, corner: Point, size: Point, look: str, *, opacity: float | None = None) -> None:
        """Draw a box from its upper left corner."""
        extra = {} if opacity is None else {"fill-opacity": round(opacity, 2)}
        self._add("rect", look, x=corner[0], y=corner[1], width=max(0.0, size[0]), height=max(0.0, size[1]), **extra)

    def marker(self, centre: Point, index: int, look: str, *, radius: float = 3.4) -> None:
        """Draw a point whose shape tells its series, for eyes that do not tell the colours."""
        x, y = centre
        shapes = {
            1: [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            2: [(0, -1.25), (1.15, 0.85), (-1.15, 0.85)],
            3: [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
        }
        if index % 4 == 0:
            self._add("circle", look, cx=x, cy=y, r=radius)
        else:
            self.path([(x + radius * dx, y + radius * dy) for dx, dy in shapes[index % 4]], look, closed=True)

    def text(self, words: str, at: Point, look: str, *, anchor: str = "middle", turned: bool = False, full: str = "") -> None:
        """Write text; `full` is what a shortened one stands for, shown when a reader points at it."""
        x, y = _n(at[0]), _n(at[1])
        turn = f' transform="rotate(-90 {x} {y})"' if turned else ""
        more = f"<title>{escape(full)}</title>" if full and full != words else ""
        self._marks.append(f'<text class="{look}" x="{x}" y="{y}" text-anchor="{anchor}"{turn}>{more}{escape(words)}</text>')

    def window(self, corner: Point, size: Point) -> None:
        """Open a part of the drawing, in the same coordinates, outside of which nothing is seen."""
        box = " ".join(_n(v) for v in (*corner, *size))
        place = f'x="{_n(corner[0])}" y="{_n(corner[1])}" width="{_n(size[0])}" height="{_n(size[1])}"'
        self._marks.append(f'<svg {place} viewBox="{box}" class="clip">')

    def close_window(self) -> None:
        """Close what `window` opened."""
        self._marks.append("</svg>")

    def svg(self, *, title: str) -> str:
        """Return the whole drawing with `title` as its text alternative."""
        said = escape(title, quote=True)
        head = f'<svg class="figure" viewBox="0 0 {_n(self.width)} {_n(self.height)}" role="img" aria-label="{said}">'
        return f"{head}{''.join(self._marks)}</svg>"

    def _add(self, tag: str, look: str, **numbers: float) -> None:
        places = "".join(f' {name}="{_n(value)}"' for name, value in numbers.items())
        self._marks.append(f'<{tag} class="{look}"{places}/>')


def _n(value: float) -> str:
    return (
        f"{value:.2f}".rstrip("0").rstrip(".").replace("-0", "0")
        if abs(value) < 0.005
        else f"{value:.2f}".rstrip("0").rstrip(".")
    )


def _thinned(route: Sequence[Point]) -> list[Point]:
    """Drop repeated places and the middle of straight runs along an axis; of very many, take every k-th before and after."""
    kept: list[Point] = []
    for point in _strided(route, 8 * MOST_POINTS):
        if kept and point == kept[-1]:
            continue
        if len(kept) > 1 and any(
            kept[-2][a] == kept[-1][a] == point[a] and _between(kept[-2][1 - a], kept[-1][1 - a], point[1 - a]) for a in (0, 1)
        ):
            kept[-1] = point
            continue
        kept.append(point)
    return _strided(kept, MOST_POINTS)


def _strided(route: Sequence[Point], most: int) -> list[Point]:
    if len(route) <= most:
        return list(route)
    stride = len(route) / most
    return [route[int(i * stride)] for i in range(most)] + list(route[-1:])


def _between(first: float, middle: float, last: float) -> bool:
    return min(first, last) <= middle <= max(first, last)
