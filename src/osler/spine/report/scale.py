"""From numbers to places on the drawing, with ticks at round values."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from osler.spine.report.numerals import number


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis: values `low` to `high` lie at `start` to `stop` of the drawing."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Return at most `most` round values inside the axis, with their labels."""
        step = _step((self.high - self.low) / max(1, most - 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9) + (1 if _mantissa(step) == 2.5 else 0))
        plain = step > 1e-5 and max(abs(self.low), abs(self.high)) < 1e7
        return [(k * step, number(k * step, decimals=min(decimals, 8) if plain else None)) for k in range(first, last + 1)]


def extent(values: Iterable[float | None], *, zero: bool = False, margin: float = 0.04) -> tuple[float, float]:
    """Return the range of the finite values with a margin; 0 to 1 where there are none."""
    finite = [v for v in values if v is not None and math.isfinite(v)]
    if zero:
        finite.append(0.0)
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    if low == high:
        half = abs(low) / 2 or 0.5
        return low - half, high + half
    pad = (high - low) * margin
    return (low if zero and low == 0 else low - pad), (high if zero and high == 0 else high + pad)


def breadth(text: str) -> int:
    """Return the width of a text in Latin letters; a Chinese sign takes two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def shortened(text: str, most: int) -> str:
    """Return the text cut to a width of `most` letters, with an ellipsis where it was longer."""
    if breadth(text) <= most:
        return text
    kept, used = "", 1
    for sign in text:
        used += breadth(sign)
        if used > most:
            break
        kept += sign
    return kept.rstrip() + "…"


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= least * (1 - 1e-9))


def _mantissa(step: float) -> float:
    return round(step / 10.0 ** math.floor(math.log10(step) + 1e-9), 6)
