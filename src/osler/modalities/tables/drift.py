"""How the columns of new rows differ from those of the training rows: counted block by block, so that a million rows cost seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.drift import Finding, Shift
from osler.core.state import State
from osler.core.units import unit_change
from osler.modalities.tables.case import CATEGORIES, NUMBERS, UNREADABLE
from osler.modalities.tables.facts import FEWEST
from osler.modalities.tables.fit import ABSENT, UNKNOWN, coded

CLEAR = 0.25  # standard deviations, or distance of shares, from which a change is told (a small one is 0.1, Austin 2009)
SURE = 3.0  # standard errors that it must be too
PART = 0.05  # of the cases: more missing, beyond the limits or in unknown words are told
MOSTLY = 0.5  # of the cells
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
    now = {"mean": mean, "sd": sd, "missing": _share(rows - count, rows), "unreadable": _share(unread, rows),
           "outside": _share(beyond, count) if told.get("limits") else None}  # fmt: skip
    before = {"mean": told["mean"], "sd": told["sd"], "missing": told["missing"],
              "unreadable": _share(told["unreadable"], cases), "outside": told.get("beyond")}  # fmt: skip
    there = cases * (1 - told["missing"])
    difference = _difference(before, now)
    finding, detail = _of_number(before, now, difference, count=count, there=there, rows=rows)
    return Shift(str(told["names"]), "number", now, before, difference=difference, finding=finding, detail=detail)


def _share(part: float, whole: float) -> float | None:
    """Return a share, None where it would tell of fewer than 5 cells."""
    return None if whole < FEWEST or 0 < part < FEWEST else round(part / whole, 4)


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> float | None:
    if now["mean"] is None or before["mean"] is None or before["sd"] is None:
        return None
    pooled = math.sqrt((before["sd"] ** 2 + now["sd"] ** 2) / 2)
    return (now["mean"] - before["mean"]) / pooled if pooled > 0 else None


def _of_number(
    before: Mapping[str, Any], now: Mapping[str, Any], difference: float | None, *, count: float, there: float, rows: float
) -> tuple[Finding, dict[str, str] | None]:
    if (now["unreadable"] or 0) >= MOSTLY > (before["unreadable"] or 0):
        return "text", None
    if not count and _surprising(before["missing"], rows):
        return "empty", None
    if difference is not None:
        error = math.sqrt(1 / max(count, 1) + 1 / max(there, 1))
        moved = abs(difference) >= CLEAR and abs(difference) > SURE * error
        unit = unit_change((before["mean"], before["sd"]), (now["mean"], now["sd"]))
        wider = now["sd"] and before["sd"] and abs(math.log(now["sd"] / before["sd"])) > math.log(2)
        if unit and count >= FEWEST and (moved or wider):
            return "unit", {"times": unit[0], "unit": unit[1]}
        if moved:
            return "mean", None
    if _more(before["outside"], now["outside"], count):
        return "outside", None
    return ("missing", None) if _changed(before["missing"], now["missing"], rows) else ("", None)


def _category(name: str, counts: np.ndarray, shares: np.ndarray, *, cases: float) -> Shift:
    rows = float(counts.sum())
    there, known = rows - counts[ABSENT], 1 - shares[ABSENT]
    now = {"missing": _share(counts[ABSENT], rows), "unknown": _share(counts[UNKNOWN], there)}
    before = {"missing": float(shares[ABSENT]), "unknown": round(float(shares[UNKNOWN] / known), 4) if known > 0 else None}
    own = np.delete(counts, ABSENT) / max(there, 1)
    old = np.delete(shares, ABSENT) / max(known, 1e-9)
    distance = float(np.abs(own - old).sum() / 2) if there >= FEWEST and known > 0 else None
    finding: Finding = ""
    # a distance of samples that are alike is about this much by chance
    chance = math.sqrt(len(own) * (1 / max(there, 1) + 1 / max(cases * known, 1)) / math.tau)
    if not there and _surprising(before["missing"], rows):
        finding = "empty"
    elif there >= FEWEST and counts[UNKNOWN] >= (1 - PART) * there and len(counts) > 2:
        finding = "words"
    elif distance is not None and distance >= CLEAR and distance > 2 * chance:
        finding = "categories"
    elif _more(before["unknown"], now["unknown"], there):
        finding = "outside"
    elif _changed(before["missing"], now["missing"], rows):
        finding = "missing"
    return Shift(name, "category", now, before, distance=distance, finding=finding)


def _more(before: float | None, now: float | None, cases: float) -> bool:
    return now is not None and now - (before or 0.0) >= max(PART, SURE * _error(before or 0.0, now, cases))


def _changed(before: float | None, now: float | None, cases: float) -> bool:
    if before is None or now is None:
        return False
    return abs(now - before) >= max(2 * PART, SURE * _error(before, now, cases))


def _error(before: float, now: float, cases: float) -> float:
    """Return the standard error of a share of new cases, from the larger spread of both."""
    return math.sqrt(max(before * (1 - before), now * (1 - now)) / max(cases, 1))


def _surprising(missing: float | None, rows: float) -> bool:
    """Whether so many missing cells in a row are no chance."""
    return missing is not None and missing**rows < 1e-6
