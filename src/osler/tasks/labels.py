"""From cells of a target column to classes: one text for each value, one order, one positive class."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from osler.core.table import MISSING_CELLS

LEAST_CASES = 5  # a class in fewer cases cannot be told from an accident, and its name could point at a patient

_MISSING = frozenset(cell.casefold() for cell in MISSING_CELLS) | {"<na>", "nat"}
_LOGICAL = {"true": "1", "false": "0"}
_OUTCOMES = """1 yes y positive pos + malignant malign cancer tumour tumor case cases dead died death deceased event disease
 diseased sick ill affected abnormal present relapse recurrence readmitted pneumonia 是 有 阳性 恶性 死亡 患病 异常 病例"""
_REST = """0 -1 no n negative neg - benign control controls alive survived survivor healthy normal absent unaffected
 否 无 阴性 良性 存活 健康 正常 对照"""
_POSITIVE, _NEGATIVE = frozenset(_OUTCOMES.split()), frozenset(_REST.split())


def canonical(value: Any) -> str | None:
    """Return the text that stands for a cell's value, None where the cell is empty.

    "1", " 1.0", 1, 1.0 and True are the same class whether they come from a text file or a typed one.

    >>> canonical(1.0), canonical("True"), canonical(" 2.50"), canonical("benign "), canonical(" ")
    ('1', '1', '2.5', 'benign', None)
    """
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return _number_text(float(value))
    text = str(value).strip()
    folded = text.casefold()
    if folded in _MISSING:
        return None
    return _LOGICAL.get(folded) or _as_number(text) or text


def _as_number(text: str) -> str | None:
    if len(text) > 30 or "_" in text:  # Python reads "1_0" as ten; nobody else does
        return None
    try:
        return str(int(text))
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return _number_text(number) if math.isfinite(number) else None


def _number_text(number: float) -> str | None:
    if math.isnan(number):
        return None
    return str(int(number)) if math.isfinite(number) and number.is_integer() else repr(number)


def coded(column: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return codes (n,) int64 into the distinct canonical texts, -1 where empty, and those texts."""
    if column.dtype.kind in "fiub":
        distinct, inverse = np.unique(column, return_inverse=True)
        raw: Sequence[Any] = distinct.tolist()
        places = inverse.astype(np.int64)
    else:
        places, raw = _places(column)
    texts: dict[str, int] = {}
    lookup = np.full(len(raw) + 1, -1, np.int64)  # the last entry serves empty cells, whose place is -1
    for place, value in enumerate(raw):
        text = canonical(value)
        if text is not None:
            lookup[place] = texts.setdefault(text, len(texts))
    return lookup[places], list(texts)


def _places(column: Iterable[Any]) -> tuple[np.ndarray, list[Any]]:
    seen: dict[Any, int] = {}
    places = []
    for value in column:
        if value is None or value != value:  # noqa: PLR0124 - NaN alone differs from itself
            places.append(-1)
            continue
        try:
            places.append(seen.setdefault(value, len(seen)))
        except TypeError:  # a list or dictionary of a typed file
            places.append(seen.setdefault(str(value), len(seen)))
    return np.array(places, np.int64), list(seen)


def in_order(texts: Iterable[str]) -> list[str]:
    """Return class names in their one order: numbers by size, then texts."""

    def key(text: str) -> tuple[int, float, str, str]:
        try:
            return (0, float(text), "", text)
        except ValueError:
            return (1, 0.0, text.casefold(), text)

    return sorted(texts, key=key)


def positive_of(classes: Sequence[str]) -> str:
    """Return which of two ordered classes is the outcome: by its name (1, yes, malignant, dead, …), else the second.

    >>> positive_of(["alive", "dead"]), positive_of(["case", "control"]), positive_of(["1", "2"])
    ('dead', 'case', '2')
    """
    if all(_as_number(c) for c in classes):  # of 1 and 2, as of 0 and 1, the larger
        return classes[1]
    first, second = (c.casefold() for c in classes)
    if (first in _NEGATIVE) != (second in _NEGATIVE):
        return classes[1] if first in _NEGATIVE else classes[0]
    if (first in _POSITIVE) != (second in _POSITIVE):
        return classes[0] if first in _POSITIVE else classes[1]
    return classes[1]


def names_outcome(text: str) -> bool:
    """Whether the name of a class says no more than that its column is so: 1, yes, present, …

    >>> names_outcome("1"), names_outcome("yes"), names_outcome("male")
    (True, True, False)
    """
    return text.casefold() in _POSITIVE


def safe_names(names: Sequence[str]) -> list[str]:
    """Return names fit for columns and keys: letters, digits, `_`, `-`, `.`; distinct, at most 60 signs.

    >>> safe_names(["a b", "a/b", "+"])
    ['a_b', 'a_b_2', 'class']
    """
    out: list[str] = []
    for name in names:
        stem = re.sub(r"[^\w.\-]+", "_", name).strip("_")[:60] or "class"
        candidate, number = stem, 1
        while candidate in out:
            number += 1
            candidate = f"{stem}_{number}"
        out.append(candidate)
    return out
