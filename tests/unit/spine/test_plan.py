"""From facts and budget to a plan."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.core.errors import PlanError
from osler.core.plan import Decision, Plan
from osler.spine.plan import (
    OVERHEAD,
    Circumstances,
    brief,
    check_counts,
    fit_rules,
    fit_to_budget,
    unmeasured,
    wanted_epochs,
)  # fmt: skip

ABOUT = Circumstances(
    task="classification", output="vector", cases=2000, groups=2000, folds=5, budget=10.0, device="cpu", settings={}
)
WIDTHS = (16, 32, 64, 128)
LADDER = tuple((Decision("inputs.table.width", width, "size"),) for width in WIDTHS)


def ruled(about: Circumstances) -> Plan:
    rules = Plan([*fit_rules(about, inputs=1), Decision("inputs.table.kinds", {"age": "number"}, "seen", "headers")])
    return rules.set_by_user({k: v for k, v in about.settings.items() if k in rules and k != "inputs.table.kinds"})


def planned(about: Circumstances, seconds: float, *, cost: float = 1e-3, timed=None) -> Plan:
    def steady(plan: Plan) -> float:
        return cost * plan.get("inputs.table.width", 16) / 16

    return fit_to_budget(ruled(about), LADDER, seconds_per_step=timed or steady, circumstances=about, seconds=lambda: seconds)


@settings(max_examples=200, deadline=None)
@given(
    st.floats(0, 1e5), st.floats(0, 1e5), st.floats(1e-6, 10), st.integers(1, 1_000_000), st.sampled_from([1, 5]),
)  # fmt: skip
def test_more_budget_never_gives_a_smaller_size_or_fewer_epochs_or_networks(one, other, cost, cases, folds):
    about = replace(ABOUT, cases=cases, folds=folds)
    less, more = (planned(about, seconds, cost=cost) for seconds in sorted((one, other)))
    assert less["inputs.table.width"] <= more["inputs.table.width"]
    assert less["fit.epochs"] <= more["fit.epochs"]
    assert less["fit.members"] <= more["fit.members"]


@settings(max_examples=100, deadline=None)
@given(st.floats(1e-6, 10), st.integers(1, 100_000))
def test_a_budget_that_fits_a_size_exactly_loses_no_epoch(cost, cases):
    about = replace(ABOUT, cases=cases, settings={"fit.threads": 1})
    wanted = wanted_epochs(ruled(about), cases)
    steps = math.ceil(cases / ruled(about)["fit.batch"])
    exact = planned(about, cost * 8 * steps * OVERHEAD * wanted * about.folds, cost=cost)
    assert (exact["inputs.table.width"], exact["fit.epochs"]) == (WIDTHS[-1], wanted)


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 1e4), st.floats(1e-6, 1), st.integers(1, 100_000))
def test_what_is_planned_fits_into_the_budget_or_is_the_least(seconds, cost, cases):
    about = replace(ABOUT, cases=cases)
    plan = planned(about, seconds, cost=cost)
    least = plan["inputs.table.width"] == WIDTHS[0] and plan["fit.epochs"] == 1
    assert plan["fit.seconds"] * about.folds * plan["fit.members"] <= 1.001 * seconds + 0.01 or least


def test_larger_sizes_are_not_timed_once_one_does_not_fit():
    seen = []

    def timed(plan: Plan) -> float:
        seen.append(plan["inputs.table.width"])
        return 1.0

    planned(replace(ABOUT, settings={"fit.threads": 1}), 1.0, timed=timed)
    assert seen == [16, 32]


@pytest.mark.parametrize("seconds", [0.0, 10.0, 1e6])
def test_what_the_user_set_is_not_touched(seconds):
    asked = {"inputs.table.width": 48, "fit.epochs": 100, "fit.threads": 3, "fit.batch": 32, "fit.precision": "bfloat16"}
    plan = planned(replace(ABOUT, settings=asked), seconds)
    assert {name: plan[name] for name in asked} == asked


def test_the_clock_bears_the_epochs_that_the_user_set():
    few, many = (planned(replace(ABOUT, settings={"fit.epochs": n}), 1.0)["fit.seconds"] for n in (10, 100))
    assert many == pytest.approx(10 * few, rel=0.01)


def test_how_columns_are_read_is_not_decided_again():
    plan = planned(replace(ABOUT, settings={"inputs.table.kinds": {}}), 100.0)
    assert plan["inputs.table.kinds"] == {"age": "number"}


def test_one_thread_is_taken_where_it_is_faster_or_steps_are_short():
    slow = planned(ABOUT, 100.0, timed=lambda plan: 1e-2 * plan["fit.threads"])
    fast = planned(ABOUT, 100.0, timed=lambda plan: 1e-2 / plan["fit.threads"])
    short = planned(ABOUT, 100.0, timed=lambda plan: 1e-3 / plan["fit.threads"])
    assert slow["fit.threads"] == 1
    assert fast["fit.threads"] == ruled(ABOUT)["fit.threads"]
    assert short["fit.threads"] == 1


def test_half_precision_is_asked_of_accelerators_alone():
    def timed(plan: Plan) -> float:
        return 1e-3 if plan["fit.precision"] == "float32" else 1e-4

    assert planned(ABOUT, 100.0, timed=timed)["fit.precision"] == "float32"
    assert planned(replace(ABOUT, device="cuda"), 100.0, timed=timed)["fit.precision"] == "bfloat16"


def test_half_precision_that_is_asked_for_is_tried_on_the_last_size_too():
    def timed(plan: Plan) -> float:
        wide = plan["inputs.table.width"] > 64
        return 1e-4 * (0.5 if wide and plan["fit.precision"] == "bfloat16" else 1.0)

    def chosen(seconds: float) -> str:
        plan = ruled(ABOUT).with_decisions([Decision("fit.precision", "bfloat16", "asked for")])
        return fit_to_budget(plan, LADDER, seconds_per_step=timed, circumstances=ABOUT, seconds=lambda: seconds)["fit.precision"]

    assert chosen(1e6) == "bfloat16"
    assert chosen(0.0) == "float32"


@given(st.integers(0, 10**8))
def test_rules_give_possible_counts_for_any_number_of_cases(cases):
    plan = Plan([*fit_rules(replace(ABOUT, cases=cases), inputs=2), *unmeasured()])
    check_counts(plan)
    assert 16 <= plan["fit.batch"] <= 1024
    assert 12 <= wanted_epochs(plan, cases) <= 80
    assert all(d.reason for d in fit_rules(ABOUT, inputs=1))


@pytest.mark.parametrize(("inputs", "told"), [(1, ("side by side", "one input")), (2, ("mixed", "may change what others"))])
def test_how_inputs_are_joined_has_the_reason_of_its_value(inputs, told):
    join = next(d for d in fit_rules(ABOUT, inputs=inputs) if d.name == "fusion.join")
    assert join.value == told[0]
    assert told[1] in join.reason


def test_impossible_counts_are_told_together():
    plan = Plan([*fit_rules(ABOUT, inputs=1), *unmeasured()])
    with pytest.raises(
        PlanError, match=r"'fit\.epochs' is 0; it is at least 1\n'fit\.batch' is -2.*\n'fit\.learning_rate' is 0\.0"
    ):
        check_counts(plan.set_by_user({"fit.epochs": 0, "fit.batch": -2, "fit.learning_rate": 0.0}))


def test_an_inputs_rules_see_their_own_settings_only():
    about = replace(ABOUT, settings={"inputs.table.width": 8, "inputs.tab.width": 9, "fit.batch": 4})
    assert brief(about, facts={}, target={}, prefix="inputs.table").settings == {"width": 8}


def test_the_baseline_of_few_outputs_is_tuned_as_ever_and_that_of_many_keeps_to_its_share():
    def baseline(**more):
        plan = ruled(replace(ABOUT, folds=1, **more))
        return plan["baseline.tuning"], plan["baseline.effort"]

    assert {baseline(outputs=n, budget=budget)[0] for n in (1, 10) for budget in (1e-3, 0.5, 600.0)} == {"whole"}
    assert baseline(outputs=1, budget=0.1) == ("whole", 2)
    assert baseline(outputs=10, budget=0.1) == ("whole", 1)  # each of ten takes its time
    assert baseline(outputs=10, budget=1.0) == baseline(outputs=1, budget=0.1)
    assert [baseline(outputs=300, budget=minutes) for minutes in (0.5, 2, 15, 30, 600)] == [
        ("linear", 1), ("short", 1), ("whole", 1), ("whole", 2), ("whole", 4),
    ]  # fmt: skip
    assert baseline(outputs=50, budget=0.5) == ("short", 1)
    # of few labels most of the time goes into choosing the settings that they share
    assert baseline(outputs=16, cases=800, budget=0.03) == ("linear", 1)
    assert baseline(outputs=50, budget=0.5, classes=True) == ("linear", 1)
