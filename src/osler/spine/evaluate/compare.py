"""Which of two members is better on the same cases, and whether that is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from osler.core.measure import Measure
from osler.core.scores import Value, Verdict
from osler.spine.evaluate.interval import Spread, interval

_NAMES = ("the network", "the baseline")


def verdict(
    measure: Measure, pair: tuple[float, float], spreads: tuple[Spread, Spread], *, names: tuple[str, str] = _NAMES
) -> Verdict:
    """Return the paired comparison of two members by `measure`: their values `pair` and, over the same resamples, `spreads`.

    The difference is the first less the second, signed so that positive favours the first.
    """
    sign = 1.0 if measure.better == "higher" else -1.0
    difference = paired(measure, pair, spreads, sign=sign)
    word = _word(difference)
    return Verdict(measure.name, difference, word, _sentence(measure, difference, word, names))


def paired(measure: Measure, pair: tuple[float, float], spreads: tuple[Spread, Spread], *, sign: float = 1.0) -> Value:
    """Return `sign` times the first less the second, with the interval of the same over their common resamples."""
    spread = replace(spreads[0], values=sign * (spreads[0].values - spreads[1].values), carried=min(s.carried for s in spreads))
    return interval(Measure(f"{measure.name}_difference", "higher"), sign * (pair[0] - pair[1]), spread)


def same_everywhere(pair: tuple[float, float], spreads: tuple[Spread, Spread]) -> bool:
    """Return whether two members have the same value on these cases and in every resample of them: by construction, not by chance."""
    first, second = (np.append(spread.values, value) for spread, value in zip(spreads, pair, strict=True))
    return np.allclose(first, second, rtol=0, atol=1e-12, equal_nan=True)


def _word(difference: Value) -> str:
    if difference.low is None or difference.high is None:
        return "no difference shown"
    if difference.low > 0:
        return "better"
    return "worse" if difference.high < 0 else "no difference shown"


def _sentence(measure: Measure, difference: Value, word: str, names: tuple[str, str]) -> str:
    first, second = names
    start = first[:1].upper() + first[1:]
    if not np.isfinite(difference.value):
        return f"{start} and {second} cannot be compared: {measure.name} has no value on these cases."
    if difference.low is None or difference.high is None:
        return f"Between {first} and {second} no difference can be shown ({difference.note})."
    found = f"{measure.name} differs by {difference.value:+.3g} (95% interval {difference.low:+.3g} to {difference.high:+.3g})"
    told = {"better": f"{start} is better than {second}", "worse": f"{start} is worse than {second}"}
    begin = told.get(word, f"Between {first} and {second} no difference is shown")
    return f"{begin}: {found}; positive favours {first}."
