"""How new molecules differ from those of training: the descriptors that a chemist knows, and their sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.drift import Shift
from osler.core.shifts import FEWEST, apart, errors_of, number_finding, part_of
from osler.modalities.molecules.case import DESCRIPTORS
from osler.modalities.molecules.encode.tallies import DONORS, POLAR, SP3_SHARE
from osler.modalities.molecules.fit import sampled

TOLD = ("logP of heavy atoms", "MolWt", "TPSA", DONORS, POLAR, SP3_SHARE, "NumAromaticRings")
_OUTER = (0.005, 0.995)


def drift_facts(columns: Columns, rows: np.ndarray) -> dict[str, Any]:
    """Return names, means, standard deviations and limits of TOLD among the training `rows`; nothing of fewer than five."""
    some = sampled(rows)
    if len(some) < 2 * FEWEST:
        return {}
    values = _values(columns, some)
    limits = np.quantile(values, _OUTER, axis=0).T
    beyond = ((values < limits[:, 0]) | (values > limits[:, 1])).mean(0)
    return {
        "names": list(TOLD), "mean": _plain(values.mean(0)), "sd": _plain(values.std(0, ddof=1)),
        "limits": [_plain(pair) for pair in limits], "beyond": _plain(beyond), "cases": len(rows),
    }  # fmt: skip


def drift_sums(columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return `rows` (), and `numbers` (3, t): sums, sums of squares around the training means, values beyond the limits."""
    known = facts.get("drift") or {}
    there = rows[columns.present[rows]]
    if not known:
        return {}
    values = _values(columns, there)
    away = values - np.array(known["mean"])
    limits = np.array(known["limits"])
    beyond = (values < limits[:, 0]) | (values > limits[:, 1])
    return {"rows": np.array(float(len(there))), "numbers": np.stack([away.sum(0), (away**2).sum(0), beyond.sum(0)])}


def drift(sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any]) -> tuple[Shift, ...]:
    """Return one shift per descriptor of TOLD."""
    known = facts.get("drift") or {}
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
    # the unit of a descriptor is always the same: other molecules are other in the mean
    finding, detail = ("mean", None) if finding == "unit" else (finding, detail)
    return Shift(known["names"][at], "number", now, before, difference=apart(before, now), finding=finding, detail=detail)


def _values(columns: Columns, rows: np.ndarray) -> np.ndarray:
    labels = columns.field(DESCRIPTORS).labels
    array = columns[DESCRIPTORS]
    assert isinstance(array, np.ndarray)
    return np.asarray(array[rows])[:, [labels.index(name) for name in TOLD]].astype(np.float64)


def _plain(values: np.ndarray) -> list[float]:
    return [float(f"{v:.6g}") for v in values]
