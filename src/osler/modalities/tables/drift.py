"""How the columns of new rows differ from those of the training rows: counted block by block, so that a million rows cost seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.drift import Finding, Shift
from osler.core.shifts import CLEAR, FEWEST, PART, apart, changed, more, number_finding, part_of, surprising
from osler.core.state import State
from osler.modalities.tables.case import CATEGORIES, NUMBERS, UNREADABLE
from osler.modalities.tables.fit import ABSENT, UNKNOWN, coded

_CELLS = 1 << 21


def drift_sums(columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any], state: State) -> dict[str, np.ndarray]:
    """Return `rows` (), `numbers` (5, p): present, unreadable, sum and sum of squares around the training mean, beyond the limits;
    and `words.<j>` (words + 2,) counts by code."""
    numbers, categories = columns[NUMBERS], columns[CATEGORIES]
    assert isinstance(numbers, np.ndarray)
    assert isinstance(categories, np.ndarray)
    sums = {"rows": np.array(float(len(rows))), "numbers": _counted(numbers, rows, facts["numbers"])}
    for j in range(categories.shape[1]):
        keys = state.arrays[f"vocabulary.{j}"]
        codes = coded(np.asarray(categories[rows, j]), keys)
        sums[f"words.{j}"] = np.bincount(codes, minlength=len(keys) + 2).astype(float)
    return sums


def _counted(array: np.ndarray, rows: np.ndarray, told: Mapping[str, Any]) -> np.ndarray:
    sums = np.zeros((5, array.shape[1]))
    centre = np.array([0.0 if mean is None else mean for mean in told.get("mean", ())])
    limits = np.array([pair or (-np.inf, np.inf) for pair in told.get("limits", [None] * array.shape[1])], np.float32)
    if not array.shape[1] or len(centre) != array.shape[1]:
        return sums
    step = max(1, _CELLS // array.shape[1])
    for start in range(0, len(rows), step):
        values = np.asarray(array[rows[start : start + step]])
        there = ~np.isnan(values)
        away = np.where(there, values - centre, 0.0)
        beyond = (values < limits[:, 0]) | (values > limits[:, 1])
        unread = values.view(np.uint32) == UNREADABLE
        sums += np.stack([there.sum(0), unread.sum(0), away.sum(0), (away * away).sum(0), beyond.sum(0)])
    return sums


def drift(sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any], state: State) -> tuple[Shift, ...]:
    """Return one shift per column, numbers first."""
    rows, cases = float(sums["rows"]), float(facts["cases"])
    numbers, categories = facts["numbers"], facts["categories"]
    if not rows or not cases:
        return ()
    lists = {k: v for k, v in numbers.items() if isinstance(v, list) and len(v) == len(numbers["names"])}
    lines = ({k: v[j] for k, v in lists.items()} for j in range(len(numbers["names"])))
    found = [_number(line, sums["numbers"][:, j], rows=rows, cases=cases) for j, line in enumerate(lines)]
    for j, name in enumerate(categories["names"]):
        shares = state.arrays.get(f"shares.{j}")
        if shares is not None:
            found.append(_category(str(name), sums[f"words.{j}"], np.asarray(shares, float), cases=cases))
    return tuple(found)


def _number(told: Mapping[str, Any], sums: np.ndarray, *, rows: float, cases: float) -> Shift:
    count, unread, first, square, beyond = sums.tolist()
    mean = sd = None
    if count >= FEWEST and told["mean"] is not None:
        mean = told["mean"] + first / count
        sd = math.sqrt(max(square / count - (first / count) ** 2, 0.0) * count / (count - 1))
    now = {"mean": mean, "sd": sd, "missing": part_of(rows - count, rows), "unreadable": part_of(unread, rows),
           "outside": part_of(beyond, count) if told.get("limits") else None}  # fmt: skip
    before = {"mean": told["mean"], "sd": told["sd"], "missing": told["missing"],
              "unreadable": part_of(told["unreadable"], cases), "outside": told.get("beyond")}  # fmt: skip
    there = cases * (1 - told["missing"])
    finding, detail = number_finding(before, now, count=count, there=there, rows=rows)
    return Shift(str(told["names"]), "number", now, before, difference=apart(before, now), finding=finding, detail=detail)


def _category(name: str, counts: np.ndarray, shares: np.ndarray, *, cases: float) -> Shift:
    rows = float(counts.sum())
    there, known = rows - counts[ABSENT], 1 - shares[ABSENT]
    now = {"missing": part_of(counts[ABSENT], rows), "unknown": part_of(counts[UNKNOWN], there)}
    before = {"missing": float(shares[ABSENT]), "unknown": round(float(shares[UNKNOWN] / known), 4) if known > 0 else None}
    own = np.delete(counts, ABSENT) / max(there, 1)
    old = np.delete(shares, ABSENT) / max(known, 1e-9)
    distance = float(np.abs(own - old).sum() / 2) if there >= FEWEST and known > 0 else None
    finding: Finding = ""
    # a distance of samples that are alike is about this much by chance
    chance = math.sqrt(len(own) * (1 / max(there, 1) + 1 / max(cases * known, 1)) / math.tau)
    if not there and surprising(before["missing"], rows):
        finding = "empty"
    elif there >= FEWEST and counts[UNKNOWN] >= (1 - PART) * there and len(counts) > 2:
        finding = "words"
    elif distance is not None and distance >= CLEAR and distance > 2 * chance:
        finding = "categories"
    elif more(before["unknown"], now["unknown"], there):
        finding = "outside"
    elif changed(before["missing"], now["missing"], rows):
        finding = "missing"
    return Shift(name, "category", now, before, distance=distance, finding=finding)
