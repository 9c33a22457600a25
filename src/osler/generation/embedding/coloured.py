"""What a map is coloured by: classes, or thirds of a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_COLOURS = 6  # that are told apart; further classes are one


@dataclass(frozen=True, slots=True)
class Colours:
    """`codes` (n,) int64 into `names`, -1 where nothing is known."""

    codes: np.ndarray
    names: tuple[str, ...]


def by_classes(codes: np.ndarray, names: Sequence[str]) -> Colours:
    """Return the most frequent classes of `codes` (n,), -1 where unknown, in the order of `names`; the rest together, as their number."""
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    present = np.flatnonzero(sizes)
    if len(present) <= MOST_COLOURS:
        kept, rest = present, 0
    else:
        kept = np.sort(np.argsort(-sizes, kind="stable")[: MOST_COLOURS - 1])
        rest = len(present) - len(kept)
    new = np.full(len(names) + 1, len(kept))
    new[kept], new[-1] = np.arange(len(kept)), -1
    return Colours(new[codes], (*(names[int(code)] for code in kept), *((f"+{rest}",) if rest else ())))


def by_number(values: np.ndarray) -> Colours:
    """Return the thirds of `values` (n,), NaN where unknown, called by the limits between them, and never by the ends, which are single
    cases' values; fewer where values repeat."""
    known = values[np.isfinite(values)]
    limits = np.unique(np.quantile(known, [1 / 3, 2 / 3])) if len(known) else np.empty(0)
    if len(limits) < 2:
        return Colours(np.where(np.isfinite(values), 0, -1), ("",))
    codes = np.searchsorted(limits, values, side="right")
    low, high = (f"{limit:.3g}" for limit in limits)
    return Colours(np.where(np.isfinite(values), codes, -1), (f"< {low}", f"{low} – {high}", f"≥ {high}"))


def of_column(cells: Sequence[Any]) -> Colours:
    """Return colours of a table's column: thirds where it holds more than a few different numbers, else its values as classes."""
    numbers = _numbers(cells)
    if numbers is not None and len(np.unique(numbers[np.isfinite(numbers)])) > MOST_COLOURS:
        return by_number(numbers)
    texts = ["" if cell is None or cell != cell else str(cell).strip() for cell in cells]  # noqa: PLR0124 - NaN alone differs from itself
    names = sorted({text for text in texts if text})
    place = {name: at for at, name in enumerate(names)}
    return by_classes(np.array([place.get(text, -1) for text in texts], np.int64), names)


def _numbers(cells: Sequence[Any]) -> np.ndarray | None:
    try:
        return np.array([np.nan if cell is None or str(cell).strip() == "" else float(cell) for cell in cells])
    except (TypeError, ValueError):
        return None
