"""Numbers as a reader of medical papers expects them: three significant digits, true minus signs, grouped thousands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from osler.core.scores import Value
from osler.language import Words

FEWEST = 5  # cases that a count rests on
NONE = "\u2013"  # an en dash
MINUS = "\u2212"
TIMES = "\u00d7"
POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, *, decimals: int | None = None) -> str:
    """Return three significant digits, or `decimals` places; an absent or infinite value is a dash.

    >>> number(0.99342), number(2891.3), number(-0.5), number(0.0000123)
    ('0.993', '2,891', '−0.500', '1.23×10⁻⁵')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if value and decimals is None and not 1e-4 <= abs(value) < 1e9:
        mantissa, power = f"{value:.2e}".split("e")
        return f"{mantissa}{TIMES}10{str(int(power)).translate(POWERS)}".replace("-", MINUS)
    text = f"{value:,.{places(value) if decimals is None else decimals}f}"
    return text.removeprefix("-") if not float(text.replace(",", "")) else text.replace("-", MINUS)


def places(*values: float | None) -> int:
    """Return how many decimal places show three significant digits of the largest value; 1 counts as 0.999…, so that a
    perfect 1.000 stands with three places beside its 0.997."""
    largest = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    return (
        2 if not largest else min(8, max(0, 2 - math.floor(math.log10(largest) - (1e-9 if abs(largest - 1) < 1e-9 else -1e-12))))
    )


def value_places(value: Value) -> int:
    """Return the places for a value and its interval: those of the value, or of a wide interval around a value near 0."""
    ends = [v for v in (value.low, value.high) if v is not None and math.isfinite(v)]
    half = (max(ends) - min(ends)) / 2 if len(ends) == 2 else 0.0
    return places(value.value, half)


def with_interval(value: Value, words: Words) -> str:
    """Return `0.930 (0.901 to 0.962)`, or the value alone where it has no interval."""
    limits = interval(value, words)
    return (
        words.say("interval.around", value=number(value.value, decimals=_decimals(value)), interval=limits)
        if limits
        else alone(value)
    )


def alone(value: Value) -> str:
    """Return the value with as many places as its interval has."""
    return number(value.value, decimals=_decimals(value))


def interval(value: Value, words: Words) -> str:
    """Return `0.901 to 0.962`, or nothing where there is no interval."""
    if not has_interval(value):
        return ""
    low, high = (number(v, decimals=_decimals(value)) for v in (value.low, value.high))
    return words.say("interval.ends", low=low, high=high)


def has_interval(value: Value) -> bool:
    """Return whether both ends exist."""
    return all(v is not None and math.isfinite(v) for v in (value.value, value.low, value.high))


def count(value: float) -> str:
    """Return a whole number with grouped thousands."""
    return f"{int(value):,}"


def columns(total: int, words: Words) -> str:
    """Return how many columns there are, in words."""
    return words.say("inputs.column") if total == 1 else words.say("inputs.columns", n=count(total))


def share(part: float | None) -> str:
    """Return a share from 0 to 1 in per cent; what is neither none nor all is never rounded to 0% or 100%.

    >>> share(0.0004), share(0.5), share(0.9999), share(0)
    ('<0.1%', '50%', '>99.9%', '0%')
    """
    if part is None or not math.isfinite(part):
        return NONE
    if 0 < part < 0.001 or 0.999 < part < 1:
        return "<0.1%" if part < 0.5 else ">99.9%"
    return f"{100 * part:.1f}".removesuffix(".0") + "%"


def few(cases: int | None, part: float, words: Words) -> str:
    """Return a number of cases with its share, as `43 (37.7%)`; one from 1 to 4 could point at a person and is `<5`."""
    if cases is None:
        return NONE
    if 0 < cases < FEWEST:
        return f"<{FEWEST}"
    return words.say("interval.around", value=count(cases), interval=share(part)) if math.isfinite(part) else count(cases)


def duration(seconds: float, words: Words) -> str:
    """Return seconds as a person says them."""
    if seconds < 60:
        return words.say("time.seconds", n=number(seconds, decimals=1 if seconds < 10 else 0))
    if seconds < 3600:
        return words.say("time.minutes", n=number(seconds / 60, decimals=1))
    return words.say("time.hours", n=number(seconds / 3600, decimals=1))


def closed(text: str, words: Words) -> str:
    """Return a handed sentence with its full stop."""
    return text if not text or text[-1] in ".!?。" else text + words.say("list.end")


def plain(value: Any) -> str:
    """Return a decision's or fact's value in one line."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: NONE}[value]
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return "; ".join(f"{k}: {plain(v)}" for k, v in value.items()) or NONE
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(v) for v in value) or NONE
    return str(value)


def _decimals(value: Value) -> int | None:
    tiny = 0 < abs(value.value) < 1e-4 if math.isfinite(value.value) else False
    return None if tiny or abs(value.value) >= 1e9 else value_places(value)
