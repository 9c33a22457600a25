"""Epochs by the clock: as planned, fewer where they take longer, more where they take less, and learning rates that go on from where they are."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osler.core.errors import PlanError
from osler.core.plan import Decision, Plan
from osler.flows.members import clock_of, with_replanned
from osler.spine.fit import Clock
from osler.spine.fit.clock import EARLY, FIRST, LATE, share_done
from osler.spine.plan import REPLANNED, check_counts


@pytest.mark.parametrize(
    ("done", "seconds", "epochs", "why"),
    [
        (1, 10.0, 10, "as foreseen"),
        (1, 12.0, 10, "a fifth slower, within what is let pass"),
        (1, 20.0, 6, "twice as slow, and a first epoch is: five more fit into 80 s"),
        (4, 80.0, 5, "after four at 20 s one more fits"),
        (6, 120.0, 7, "over its time already: one more, in which the learning rate comes down"),
        (9, 300.0, 10, "the last one is left anyway"),
        (1, 5.0, 20, "twice as fast: twenty fit"),
        (1, 2.0, 30, "no more than help"),
        (2, 10.0, 20, "in the first quarter"),
        (3, 15.0, 10, "later it is left as it is"),
        (10, 10.0, 10, "it has ended"),
    ],
)
def test_epochs_follow_the_pace(done, seconds, epochs, why):
    assert Clock(200.0, 100.0, 30).epochs(10, done=done, seconds=seconds) == epochs, why


def test_without_an_allowance_epochs_stay_or_follow_what_was_written():
    assert Clock(10.0).epochs(10, done=1, seconds=500.0) == 10
    clock = Clock(replanned=((1, 4), (3, 6)))
    assert [clock.epochs(10, done=done, seconds=1e6) for done in (1, 2, 3, 4)] == [4, 10, 6, 10]


@given(
    planned=st.integers(1, 60), most=st.integers(1, 80), done=st.integers(1, 60), seconds=st.floats(0, 1e4),
    allowance=st.floats(0.01, 1e3),
)  # fmt: skip
def test_a_training_gets_no_shorter_than_it_is_and_ends_in_time_if_an_epoch_is_left_out(planned, most, done, seconds, allowance):
    done = min(done, planned)
    total = Clock(None, allowance, most).epochs(planned, done=done, seconds=seconds)
    assert total >= done
    if total < planned:
        pace = (seconds - FIRST) / done
        assert seconds + pace * (planned - done) > LATE * allowance
        assert total == done + 1 or seconds + pace * (total - done) <= allowance * (1 + 1e-9)
    if total > planned:
        pace = seconds / done
        assert total <= most
        assert seconds + pace * (planned - done) < EARLY * allowance
        assert seconds + pace * (total - done) <= allowance * (1 + 1e-6) + 1e-6


@given(
    st.integers(1, 30), st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=3, unique_by=lambda pair: pair[0])
)
def test_the_share_done_rises_from_nothing_to_all_without_a_jump(planned, pairs):
    replanned, total = [], planned
    for after, more in sorted(pairs):
        if after < total:
            replanned.append((after, after + more))
            total = after + more
    shares = [
        share_done(step / 8, planned=planned, replanned=[p for p in replanned if p[0] <= step / 8])
        for step in range(total * 8 + 1)
    ]
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)
    assert all(a < b for a, b in pairwise(shares))
    for after, _ in replanned:
        before = [p for p in replanned if p[0] < after]
        here = [p for p in replanned if p[0] <= after]
        assert share_done(after, planned=planned, replanned=here) == pytest.approx(
            share_done(after, planned=planned, replanned=before)
        )


def test_a_plan_tells_how_trainings_went_on_and_is_followed():
    plan = Plan([REPLANNED])
    assert with_replanned(plan, {0: (), 1: ()}) is plan
    told = with_replanned(plan, {0: (), 1: ((1, 4), (2, 5)), 3: ((1, 9),)})
    assert told["fit.replanned"] == [[1, 1, 4], [1, 2, 5], [3, 1, 9]]
    again = Plan.from_json(told.to_json())
    assert clock_of(again, 1, cases=50, clocked=False) == Clock(replanned=((1, 4), (2, 5)))
    assert clock_of(again, 2, cases=50, clocked=False) == Clock()


@pytest.mark.parametrize("line", [5, [0, 1], [0, "one", 4], [0, 0, 4], [0, 5, 4], [-1, 1, 4], [0, 1, 4.0], [0, True, 4]])
def test_a_line_that_says_nothing_of_a_training_is_refused(line):
    counts = ("epochs", "members", "ensemble", "batch", "epoch_cases", "predict_batch", "threads", "rounds", "learning_rate", "clip",
              "network_share", "overhead")  # fmt: skip
    plan = Plan([REPLANNED, *(Decision(f"fit.{name}", 1, "why") for name in counts)])
    check_counts(plan.set_by_user({"fit.replanned": [[0, 1, 4], [0, 4, 4]]}))
    with pytest.raises(PlanError, match="three whole numbers"):
        check_counts(plan.set_by_user({"fit.replanned": [[0, 1, 4], line]}))


def test_a_clock_is_read_off_the_plan():
    values = {"fit.epochs": 7, "fit.wanted": 12, "fit.allowance": 30.0, "fit.limit": 60.0}
    plan = Plan([Decision(name, value, "why") for name, value in values.items()])
    assert clock_of(plan, 0, cases=50, clocked=True) == Clock(60.0, 30.0, 12)
    assert clock_of(plan.set_by_user({"fit.allowance": 0.0, "fit.limit": 0.0}), 0, cases=50, clocked=True) == Clock()
