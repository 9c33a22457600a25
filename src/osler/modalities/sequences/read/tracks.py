"""A target with a value for each letter, as a cell of the table tells it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from osler.core.errors import Refusal, Refused
from osler.core.table import MISSING_CELLS

DIGITS = frozenset(
    "0123456789."
)  # of a cell that writes a track without separators: one for each letter, "." where it is not known
LARGEST = float(np.finfo(np.float32).max)  # it is stored in four bytes


def track(cell: Any, *, length: int, column: str) -> np.ndarray:
    """Return the values (length,) float32 that a cell tells, NaN where one is not known, all of them of an empty cell.

    A cell is a list or an array of numbers; text with commas or white space between them, in brackets or not, in which nothing between two commas, `nan`
    and the other signs of MISSING_CELLS are not known; or as many digits as there are letters. Raises Refused for another number of
    values, for words and for infinities.
    """
    if isinstance(cell, Refusal):
        raise Refused(replace(cell, column=column))
    if cell is None or (isinstance(cell, str) and cell.strip() in MISSING_CELLS and length != len(cell.strip())):
        return np.full(length, np.nan, np.float32)
    parts = _parts(cell, length=length)
    if len(parts) != length:
        sentence = f"the track has {len(parts):,} values and the sequence {length:,} letters; each letter has one"
        raise Refused(Refusal("track-length", sentence, column))
    values = np.array([_number(part) for part in parts], np.float64)
    wrong = np.flatnonzero(np.isinf(values))
    if len(wrong):
        sentence = f"value {int(wrong[0]) + 1:,} of the track is no number that can be used; leave it empty where it is not known"
        raise Refused(Refusal("track-value", sentence, column))
    return values.astype(np.float32)


def _parts(cell: Any, *, length: int) -> list[Any]:
    if not isinstance(cell, str):
        return list(cell) if isinstance(cell, (list, tuple, np.ndarray)) else [cell]
    text = cell.strip().strip("[]()").strip()
    if "," in text:
        return text.split(",")
    labels = len(text) > 1 and length > 1 and set(text) <= {"0", "1"}  # of another number than letters too: so many came
    return list(text) if labels or (len(text) == length and set(text) <= DIGITS) else text.split()


def _number(part: Any) -> float:
    """Return a value, NaN where it is not known, an infinity where it is no number."""
    if part is None:
        return math.nan
    if isinstance(part, str):
        text = part.strip()
        if text in MISSING_CELLS:
            return math.nan
        part = "word" if "_" in text else text  # Python alone reads 1_000 as a number
    try:
        value = float(part)
    except (TypeError, ValueError):
        return math.inf
    return math.inf if abs(value) > LARGEST else value
