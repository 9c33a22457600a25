"""Which codes stand for themselves: as columns of the classical model, and as features of an explanation."""

from __future__ import annotations

import numpy as np

SERIES = ("last", "since", "count", "first", "min", "max", "mean", "sd", "slope")  # of a code of numbers
SINGLE = 2  # of them where a code hardly ever comes twice in a case
EVENTS = ("since", "count")  # of any other code
NUMBERS, MOST = 2_000, 3_000  # columns of numbers, and of all codes
OWN = 200  # codes that are explained one by one, the most frequent; all others together


def series(share: np.ndarray, *, numeric: np.ndarray, repeated: np.ndarray) -> np.ndarray:
    """Return how many columns (V,) uint8 each code has for the classical model: the most frequent codes come first."""
    each = np.where(numeric, np.where(repeated, len(SERIES), SINGLE), len(EVENTS))
    order = np.argsort(-share, kind="stable")
    out = np.zeros(len(share), np.uint8)
    left = MOST
    for kind, most in ((numeric, NUMBERS), (~numeric, MOST)):
        asked = order[kind[order]]
        kept = asked[np.cumsum(each[asked]) <= min(most, left)]
        out[kept] = each[kept]
        left -= int(each[kept].sum())
    return out


def owners(share: np.ndarray) -> np.ndarray:
    """Return the explained feature (V + 1,) int64 of each code, and last of codes that are not in the vocabulary: the OWN most
    frequent codes in that order, then the rest as one."""
    count = min(OWN, len(share))
    out = np.full(len(share) + 1, count, np.int64)
    out[np.argsort(-share, kind="stable")[:count]] = np.arange(count)
    return out
