"""Drift of numbers that every case has and whose unit is always the same: what a kind of data tells of its cases on the whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.drift import Shift
from osler.core.shifts import FEWEST, apart, errors_of, number_finding, part_of

_OUTER = (0.005, 0.995)


def number_facts(names: Sequence[str], values: np.ndarray, *, cases: int) -> dict[str, Any]:
    """Return names, means, standard deviations and limits of `values` (n, t), a sample of `cases` training cases; nothing of fewer than
    ten."""
    if len(values) < 2 * FEWEST:
        return {}
    limits = np.quantile(values, _OUTER, axis=0).T
    beyond = ((values < limits[:, 0]) | (values > limits[:, 1])).mean(0)
    return {
        "names": list(names), "mean": _plain(values.mean(0)), "sd": _plain(values.std(0, ddof=1)),
        "limits": [_plain(pair) for pair in limits], "beyond": _plain(beyond), "cases": cases,
    }  # fmt: skip


def number_sums(values: np.ndarray, *, known: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return of new `values` (n, t) `rows` (), and `numbers` (3, t): sums, sums of squares around the training means, values beyond the
    limits. They add up over blocks of cases."""
    away, limits = values - np.array(known["mean"]), np.array(known["limits"])
    beyond = (values < limits[:, 0]) | (values > limits[:, 1])
    return {"rows": np.array(float(len(values))), "numbers": np.stack([away.sum(0), (away**2).sum(0), beyond.sum(0)])}


def number_shifts(sums: Mapping[str, np.ndarray], *, known: Mapping[str, Any]) -> tuple[Shift, ...]:
    """Return one shift for each of the `known` facts' names; none of fewer than five new cases."""
    rows = float(sums["rows"]) if "rows" in sums else 0.0
    if not known or rows < FEWEST:
        return ()
    errors = errors_of(len(known["names"]))
    return tuple(_shift(known, at, sums["numbers"][:, at], rows=rows, errors=errors) for at in range(len(known["names"])))


def _shift(known: Mapping[str, Any], at: int, sums: np.ndarray, *, rows: float, errors: float) -> Shift:
    first, square, beyond = sums.tolist()
    mean = known["mean"][at] + first / rows
    sd = math.sqrt(max(square / rows - (first / rows) ** 2, 0.0) * rows / (rows - 1))
    now = {"mean": mean, "sd": sd, "missing": 0.0, "unreadable": 0.0, "outside": part_of(beyond, rows)}
    before = {"mean": known["mean"][at], "sd": known["sd"][at], "missing": 0.0, "unreadable": 0.0, "outside": known["beyond"][at]}
    finding, detail = number_finding(before, now, count=rows, there=float(known["cases"]), rows=rows, errors=errors)
    # the unit is always the same: other cases are other in the mean
    finding, detail = ("mean", None) if finding == "unit" else (finding, detail)
    return Shift(known["names"][at], "number", now, before, difference=apart(before, now), finding=finding, detail=detail)


def _plain(values: np.ndarray) -> list[float]:
    return [float(f"{v:.6g}") for v in values]
