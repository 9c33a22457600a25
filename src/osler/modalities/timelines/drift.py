"""How the events of new cases differ from those of the training cases: counted block by block, code by code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.drift import Finding, Shift
from osler.core.shifts import apart, changed, errors_of, more, number_finding, part_of, surprising
from osler.core.state import State
from osler.modalities.timelines.facts import BEYOND, HAVE, MASKED, THERE, VALUES, counted, mean_and_sd
from osler.modalities.timelines.fit import FEWEST, blocks, places

CODES = "event codes"  # what is told of all events together; a word of the report
MOSTLY = 0.95  # of the events in codes that the model does not know: it knows none


def drift_sums(columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any], state: State) -> dict[str, np.ndarray]:
    """Return `rows` (), `codes` (7, c) what is counted of each listed code that the state knows, and `events` (3,): how many, in
    unknown codes, and cases with any."""
    codes, _, centre, limits = _known(facts, state)
    events = np.zeros(3)
    for block in blocks(columns, rows):
        unknown = places(block.codes, state) == len(state.arrays["codes"])
        events += (len(block.case), unknown.sum(), len(np.unique(block.case)))
    told = counted(columns, rows, codes=codes, centre=centre, limits=limits)
    return {"rows": np.array(float(len(rows))), "codes": told, "events": events}


def drift(sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any], state: State) -> tuple[Shift, ...]:
    """Return one shift for all codes together, then one for each listed code, the most frequent first.

    Means are those over cases of each case's mean, so that a case with many values is one case. Values masked as impossible lie
    beyond the limits too.
    """
    rows, cases = float(sums["rows"]), float(facts["cases"])
    if not rows or not cases:
        return ()
    _, lines, _, _ = _known(facts, state)
    listed = facts["listed"]
    found: dict[int, Shift] = {}
    errors = errors_of(len(lines))
    for at, line in enumerate(lines):
        told, own = {name: values[line] for name, values in listed.items()}, sums["codes"][:, at].tolist()
        number = told["mean"] is not None
        found[line] = _number(told, own, rows=rows, cases=cases, errors=errors) if number else _event(told, own, rows=rows)
    return (_together(sums, state), *(found[line] for line in sorted(found)))


def _known(facts: Mapping[str, Any], state: State) -> tuple[np.ndarray, list[int], np.ndarray, np.ndarray]:
    """Return the listed codes that the state knows: hashes (c,) ascending, their lines in `facts`, means (c,), limits (2, c)."""
    listed = facts["listed"]
    line_of = {name: line for line, name in enumerate(listed["names"]) if name}
    own = [at for at, name in enumerate(state.values["names"]) if name in line_of]
    lines = [line_of[state.values["names"][at]] for at in own]
    centre = np.array([listed["mean"][line] or 0.0 for line in lines], np.float64)
    limits = np.array([listed["limits"][line] or (-np.inf, np.inf) for line in lines], np.float32).reshape(-1, 2).T
    return state.arrays["codes"][own], lines, centre, limits


def _number(told: Mapping[str, Any], sums: Sequence[float], *, rows: float, cases: float, errors: float) -> Shift:
    mean = sd = None
    if sums[THERE] >= FEWEST:
        away, sd = mean_and_sd(sums)
        mean = told["mean"] + away
    now = {"mean": mean, "sd": sd, "missing": part_of(rows - sums[HAVE], rows), "outside": _outside(sums)}
    before = {"mean": told["mean"], "sd": told["sd"], "missing": round(1 - told["share"], 4), "outside": _before(told, cases)}
    there = cases * told["share"]
    finding, detail = number_finding(before, now, count=sums[THERE], there=there, rows=rows, errors=errors)
    return Shift(str(told["names"]), "number", now, before, difference=apart(before, now), finding=finding, detail=detail)


def _outside(sums: Sequence[float]) -> float | None:
    """Return the share of the values, None where they are of fewer than five cases."""
    return part_of(sums[BEYOND] + sums[MASKED], sums[VALUES] + sums[MASKED]) if sums[HAVE] >= FEWEST else None


def _before(told: Mapping[str, Any], cases: float) -> float:
    """Return the share of the training values beyond the limits, those masked as impossible among them."""
    values = told["events"] * told["share"] * cases * told["numeric"]
    return round((told["beyond"] * values + told["impossible"]) / max(1.0, values + told["impossible"]), 4)


def _event(told: Mapping[str, Any], sums: Sequence[float], *, rows: float) -> Shift:
    before, now = {"missing": round(1 - told["share"], 4)}, {"missing": part_of(rows - sums[HAVE], rows)}
    finding: Finding = ""
    if not sums[HAVE] and surprising(before["missing"], rows):
        finding = "empty"
    elif changed(before["missing"], now["missing"], rows):
        finding = "missing"
    return Shift(str(told["names"]), "category", now, before, finding=finding)


def _together(sums: Mapping[str, np.ndarray], state: State) -> Shift:
    events, unknown, cases = sums["events"].tolist()
    rows, known = float(sums["rows"]), float(state.arrays["unknown"])
    now = {"missing": part_of(rows - cases, rows), "unknown": part_of(unknown, events) if cases >= FEWEST else None}
    before = {"missing": round(1 - float(state.arrays["present"]), 4), "unknown": round(known, 4)}
    finding: Finding = ""
    if not cases and surprising(before["missing"], rows):
        finding = "empty"
    elif cases >= FEWEST and unknown >= MOSTLY * events > 0:
        finding = "words"
    elif more(before["unknown"], now["unknown"], cases):
        finding = "outside"
    elif changed(before["missing"], now["missing"], rows):
        finding = "missing"
    return Shift(CODES, "category", now, before, finding=finding)
