"""What of the baseline's tuning fits into its share of the budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from osler.core.pace import Pace
from osler.core.plan import Decision, Plan
from osler.spine.baseline_budget import FEWEST, TUNING, baseline_to_budget

RULED = Plan([Decision("baseline.effort", 3, ""), Decision("baseline.rows", 50_000, ""), Decision("baseline.cases", 300_000, "")])
PACE = Pace(setting=1e-3, linear=5e-4, last=4e-4)


def found(seconds: float, *, cases: int = 47_000, trainings: int = 1, settings=None, pace: Pace = PACE) -> tuple[int, int, int]:
    plan = baseline_to_budget(RULED, pace, cases=cases, trainings=trainings, seconds=seconds, settings=settings or {})
    return plan["baseline.effort"], plan["baseline.rows"], plan["baseline.cases"]


def test_where_there_is_time_the_rules_hold():
    assert found(1e4) == (3, 50_000, 300_000)


def test_less_time_means_fewer_settings_then_fewer_cases():
    told = [found(seconds) for seconds in (1e4, 200, 100, 50, 10, 0.0)]
    assert [effort for effort, _, _ in told] == [3, 2, 2, 2, 1, 1]
    assert [rows for _, rows, _ in told] == sorted((rows for _, rows, _ in told), reverse=True)
    assert told[-1] == (1, FEWEST, FEWEST)


@given(st.floats(0, 1e5), st.integers(20, 10**6), st.integers(1, 10))
def test_what_is_chosen_fits_or_is_the_least(seconds, cases, trainings):
    effort, rows, last = found(seconds, cases=cases, trainings=trainings)
    assert effort <= 3
    assert last >= rows or last >= min(cases, 300_000)
    fits = PACE.tuning(min(rows, cases), effort=effort) <= max(seconds / trainings * TUNING, 0) * (1 + 1e-9)
    assert fits or rows <= FEWEST or (effort, rows) == (1, min(cases, FEWEST))


def test_what_the_user_set_stays():
    assert found(1.0, settings={"baseline.rows": 50_000})[1] == 50_000


def test_folds_share_the_time():
    assert found(400, trainings=4) == found(100)
