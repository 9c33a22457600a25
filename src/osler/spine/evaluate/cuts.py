"""From a column of the table to subgroups: categories as they are, numbers in a few bands, rare ones pooled.

Nothing is learned from training cases. No label is one person's value: a category is named only where enough cases and
groups share it, and bands end at rounded numbers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from osler.spine.evaluate.resampling import Units

# In fewer cases any share is uncertain by more than 40 points (Wilson's interval of 10 of 20: 30% to 70%), and slopes or
# areas by more than anyone could use: such subgroups are pooled, not shown.
LEAST_SHOWN = 20
LEAST_NAMED = 5  # groups that must share a category before it is named
MOST_SHOWN = 12
LEVELS = 6  # so many different numbers are categories (a stage, a score), more are cut into bands
BANDS = 4
_MOSTLY = 0.98  # of the cells that are numbers make a column of numbers
_UNSHARED = "Column '{name}' has {n} different values, none of them shared by {m} cases: no subgroups of it are told."
_DATE = re.compile(r"(\d{4})-\d\d-\d\d\b")


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One subgroup: its label, what `kind` it is (category, band, missing, pooled), and the `rows` (m,) of its cases.

    `categories` counts the pooled ones.
    """

    label: str
    kind: str
    rows: np.ndarray
    categories: int = 0

    def about(self) -> dict[str, Any]:
        """Return what scores.json tells beside the measures."""
        return {"kind": self.kind, **({"categories": self.categories} if self.categories else {})}


def cut(name: str, values: np.ndarray, *, units: Units) -> tuple[tuple[Subgroup, ...], tuple[str, ...]]:
    """Return the subgroups of the `values` (n,) of column `name` (floats with NaN, or objects with None), and what to know of them.

    Where fewer than two can be told apart there is none.
    """
    numbers, codes, texts = _read(values)
    if numbers is not None:
        found, notes = _bands(numbers)
    else:
        found, notes = _categories(codes, texts, units)
    found = [*found, *_missing(np.flatnonzero(codes < 0) if numbers is None else np.flatnonzero(np.isnan(numbers)))]
    shown = sum(len(one.rows) for one in found)
    kept = [one for one in found if units.single or len(np.unique(units.code[one.rows])) >= LEAST_NAMED]
    if len([one for one in kept if one.kind != "pooled"]) == 0 or len(kept) < 2:
        if len(texts) > MOST_SHOWN and not any(one.kind == "category" for one in found):
            return (), (_UNSHARED.format(name=name, n=len(texts), m=LEAST_SHOWN),)
        return (), (f"No two subgroups of at least {LEAST_SHOWN} cases can be told apart.",)
    if shown < len(values):
        notes = [*notes, f"Subgroups of fewer than {LEAST_SHOWN} cases are left out."]
    if len(kept) < len(found):
        notes = [*notes, f"Subgroups of fewer than {LEAST_NAMED} groups are left out."]
    return tuple(kept), tuple(notes)


def _read(values: np.ndarray) -> tuple[np.ndarray | None, np.ndarray, list[str]]:
    """Return the column as numbers where it is one to be cut into bands, else codes (n,), -1 where missing, and texts."""
    codes, distinct = _coded(values)
    sizes = np.bincount(codes[codes >= 0], minlength=len(distinct))
    numbers = np.fromiter(map(_number, distinct), float, len(distinct))
    known = float(sizes[np.isfinite(numbers)].sum())
    if len(np.unique(numbers[np.isfinite(numbers)])) > LEVELS and known >= _MOSTLY * sizes.sum():
        return np.append(numbers, np.nan)[codes], codes, []
    texts: dict[str, int] = {}
    names = [_text(value, number) for value, number in zip(distinct, numbers, strict=True)]
    lookup = np.array([*(texts.setdefault(name, len(texts)) for name in names), -1], np.int64)
    return None, lookup[codes], list(texts)


def _coded(values: np.ndarray) -> tuple[np.ndarray, list[Any]]:
    if values.dtype.kind in "fiub":
        found, inverse = np.unique(values.astype(float), return_inverse=True)  # all NaN are one, and the last
        unknown = np.isnan(found)
        codes = np.where(unknown[inverse], -1, inverse).astype(np.int64)
        return codes.reshape(-1), found[~unknown].tolist()
    seen: dict[Any, int] = {}
    # NaN alone differs from itself
    places = [-1 if v is None or v != v else seen.setdefault(v, len(seen)) for v in values]  # noqa: PLR0124
    return np.array(places, np.int64), list(seen)


def _number(value: Any) -> float:
    """Return a cell as a number, a date as its year, NaN for anything else."""
    if isinstance(value, str):
        date = _DATE.match(value)
        value = date[1] if date else value
        if len(value) > 30 or "_" in value:
            return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _text(value: Any, number: float) -> str:
    """Return a category's name; "1", "1.0" and 1 are one."""
    dated = isinstance(value, str) and _DATE.match(value) is not None
    return f"{number:.12g}" if math.isfinite(number) and not dated else str(value)


def _bands(numbers: np.ndarray) -> tuple[list[Subgroup], list[str]]:
    known = numbers[~np.isnan(numbers)]
    edges = _edges(known)
    place = np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers, side="right"))
    bands = [Subgroup(label, "band", np.flatnonzero(place == at)) for at, label in enumerate(_labels(edges))]
    return bands, ["Bands end at rounded quartiles of these cases."]


def _edges(known: np.ndarray) -> np.ndarray:
    """Return rounded quartiles between which at least LEAST_SHOWN cases lie; where most cases share one value, those of the
    others."""
    edges = _rounded_quartiles(known)
    if not len(edges):
        edges = _rounded_quartiles(known[known != np.median(known)])
    edges = edges[(edges > known.min()) & (edges <= known.max())]
    ordered = np.sort(known)
    while len(edges):
        sizes = np.diff([0, *np.searchsorted(ordered, edges, side="left"), len(known)])
        small = int(sizes.argmin())
        if sizes[small] >= LEAST_SHOWN:
            break
        edges = np.delete(edges, max(0, small - 1) if small == len(edges) or _left(sizes, small) else small)
    return edges


def _rounded_quartiles(known: np.ndarray) -> np.ndarray:
    if not len(known) or known.min() == known.max():
        return np.empty(0)
    quartiles = np.quantile(known, np.linspace(0, 1, BANDS + 1)[1:-1])
    step = _readable(float(quartiles[-1] - quartiles[0]) / 5 or float(known.std()) / 5)
    edges = np.unique(np.round(quartiles / step)) * step
    return np.asarray(edges[(edges > known.min()) & (edges <= known.max())])


def _left(sizes: np.ndarray, small: int) -> bool:
    """Whether the smaller neighbour of band `small` lies on its left."""
    return bool(small > 0 and sizes[small - 1] <= sizes[small + 1])


def _readable(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9)))


def _labels(edges: np.ndarray) -> list[str]:
    if not len(edges):
        return ["known"]
    told = [f"{edge:.6g}" for edge in edges]
    middle = [f"{low} to < {high}" for low, high in pairwise(told)]
    return [f"< {told[0]}", *middle, f"≥ {told[-1]}"]


def _categories(codes: np.ndarray, texts: list[str], units: Units) -> tuple[list[Subgroup], list[str]]:
    sizes = np.bincount(codes[codes >= 0], minlength=len(texts))
    named = (sizes >= LEAST_SHOWN) & (_groups(codes, len(texts), units) >= LEAST_NAMED)
    shown = np.flatnonzero(named)[np.argsort(-sizes[named], kind="stable")][:MOST_SHOWN]
    found = [Subgroup(texts[at], "category", np.flatnonzero(codes == at)) for at in sorted(shown, key=_in_order(texts, sizes))]
    others = np.ones(len(texts) + 1, bool)
    others[[*shown.tolist(), -1]] = False  # the last stands for missing cells, whose code is -1
    rest = np.flatnonzero(others[codes])
    if len(rest) >= LEAST_SHOWN:
        found.append(Subgroup("other", "pooled", rest, categories=int(others.sum())))
    return found, []


def _groups(codes: np.ndarray, texts: int, units: Units) -> np.ndarray:
    """Return how many groups share each category."""
    known = codes >= 0
    if units.single:
        return np.bincount(codes[known], minlength=texts)
    pairs = np.unique(codes[known] * units.size + units.code[known])
    return np.bincount(pairs // units.size, minlength=texts)


def _in_order(texts: list[str], sizes: np.ndarray) -> Any:
    """Return the key that sorts numbers by size, then other categories by how frequent they are."""

    def key(at: int) -> tuple[int, float, str]:
        number = _number(texts[at])
        return (1, -float(sizes[at]), texts[at]) if math.isnan(number) else (0, number, "")

    return key


def _missing(rows: np.ndarray) -> list[Subgroup]:
    return [Subgroup("missing", "missing", rows)] if len(rows) >= LEAST_SHOWN else []
