"""What of the baseline's tuning fits into its share of the budget, once it was timed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osler.core.pace import Pace
from osler.core.plan import Decision, Plan

TUNING = 0.65  # of the baseline's time; the last fit takes the rest
FEWEST, ENOUGH = (
    4_000,
    10_000,
)  # cases on which it is tuned at least, and from which a second setting of trees is worth more than cases


def baseline_to_budget(
    plan: Plan, pace: Pace, *, cases: int, trainings: int, seconds: float, settings: Mapping[str, Any]
) -> Plan:
    """Return the plan with as much tuning of the baseline as `seconds` allow for each of `trainings`.

    First fewer settings of the trees are tried, down to two, then fewer cases, down to ENOUGH; then one setting, then fewer cases
    still. What the user set is not touched, and nothing gets more than the rules gave it.
    """
    share = seconds / max(1, trainings)
    rows = min(cases, int(plan["baseline.rows"]))
    effort = int(plan["baseline.effort"])
    found_effort, found_rows = _tuning(pace, share * TUNING, rows=rows, effort=effort)
    left = share - pace.tuning(found_rows, effort=found_effort)
    last = min(int(plan["baseline.cases"]), max(found_rows, int(left / max(pace.last, 1e-12))))
    if (found_effort, found_rows) == (effort, rows) and last >= min(cases, int(plan["baseline.cases"])):
        return plan
    why = (
        f"{pace.tuning(rows, effort=effort):.0f} s were measured for {effort} settings on {rows:,} cases; {share:.0f} s are there"
    )
    changed = (
        Decision("baseline.effort", found_effort, f"settings of the boosted trees that are tried: {why}", "measured"),
        Decision("baseline.rows", found_rows, f"cases on which the baseline is tuned: {why}", "measured"),
        Decision("baseline.cases", last, f"cases on which the tuned baseline is trained: {why}", "measured"),
    )
    return plan.with_decisions(d for d in changed if d.name not in settings)


def _tuning(pace: Pace, seconds: float, *, rows: int, effort: int) -> tuple[int, int]:
    """Return the settings and the cases whose tuning takes `seconds` at most, or the least."""
    for tried in range(effort, 1, -1):
        if pace.tuning(rows, effort=tried) <= seconds:
            return tried, rows
    for tried in (2, 1):
        affordable = int(seconds / max(pace.tuning(1, effort=tried), 1e-12))
        if tried <= effort and affordable >= min(rows, ENOUGH):
            return tried, min(rows, affordable)
    affordable = int(seconds / max(pace.tuning(1, effort=1), 1e-12))
    return 1, min(rows, max(FEWEST, affordable))
