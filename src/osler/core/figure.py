"""A figure as numbers: tasks and modalities say what to draw, the report draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Series:
    """One line, set of points or bars: `x` and `y` of equal length, with an optional band `low` to `high`."""

    label: str
    x: Sequence[float] | Sequence[str]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    style: Literal["line", "points", "bars", "step", "reference"] = "line"


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing of aggregates (never of single cases).

    `name` is its key in scores.json; `title`, `x_label`, `y_label` and the labels of series are keys of the language
    tables where these have them, else shown as they are. `square` asks for equal axes from 0 to 1. `heat` (rows, columns)
    draws a matrix of counts over `x_edges` and `y_edges` instead of series: limits of cells, one more than cells, or the names
    of as many cells.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...] = ()
    square: bool = False
    heat: Sequence[Sequence[float]] | None = None
    x_edges: Sequence[float] | Sequence[str] | None = None
    y_edges: Sequence[float] | Sequence[str] | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what goes to scores.json."""
        return {k: v for k, v in asdict(self).items() if v not in (None, "", ())}
