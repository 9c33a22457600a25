"""The plan: read, edited, given back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osler.core.errors import PlanError
from osler.core.plan import PLAN_FORMAT, Decision, Plan

PLAN = Plan([
    Decision("fit.epochs", 20, "small data"),
    Decision("fit.clip", 1.0, "against wild batches"),
    Decision("fit.precision", "float32", "as measured", "measured", ("float32", "bfloat16")),
    Decision("inputs.table.kinds", {"age": "number"}, "seen", "headers"),
    Decision("inputs.tab.flip", True, "no side"),
    Decision("free", None, "nothing yet"),
])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=5))
def test_any_plan_comes_back_from_json(values):
    plan = Plan(Decision(name, value, "why", choices=("a", 1)) for name, value in values.items())
    assert Plan.from_json(plan.to_json()).decisions == plan.decisions


def test_an_edited_plan_keeps_the_edit():
    raw = json.loads(PLAN.to_json())
    raw["decisions"][0]["value"] = 7
    assert Plan.from_json(json.dumps(raw))["fit.epochs"] == 7


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"format": 1}', '{"format": "a", "decisions": []}',
                                  '{"format": 1, "decisions": [{"nam": 1}]}', '{"format": 1, "decisions": [3]}'])  # fmt: skip
def test_what_is_no_plan_is_refused_with_advice(text):
    with pytest.raises(PlanError, match=r"cannot be read.*osler inspect TABLE --out plan\.json"):
        Plan.from_json(text)


def test_a_newer_plan_asks_for_an_update():
    with pytest.raises(PlanError, match=r"format 2; this Osler reads up to 1: update Osler"):
        Plan.from_json(json.dumps({"format": PLAN_FORMAT + 1, "decisions": []}))


def test_a_plan_reads_as_a_mapping():
    assert dict(PLAN)["fit.epochs"] == 20
    assert len(PLAN) == 6
    assert dict(PLAN.part("inputs.tab")) == {"flip": True}
    assert PLAN.get("nothing", 3) == 3
    with pytest.raises(PlanError, match=r"no decision 'fit\.epoch'; did you mean 'fit\.epochs'\?"):
        PLAN["fit.epoch"]


def test_what_the_user_sets_is_marked_and_the_rest_stays():
    changed = PLAN.set_by_user({"fit.epochs": 3, "fit.clip": 2, "free": "now"})
    assert [d.source for d in changed.decisions] == ["user", "user", "measured", "headers", "rule", "user"]
    assert changed["fit.clip"] == 2
    assert list(changed) == list(PLAN)
    assert PLAN["fit.epochs"] == 20


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("fit.epochs", "many", "wanted a value like 20"),
        ("fit.epochs", True, "wanted a value like 20"),
        ("fit.epochs", 2.5, "wanted a whole number"),
        ("fit.clip", float("nan"), "wanted a finite number"),
        ("fit.clip", float("inf"), "wanted a finite number"),
        ("fit.precision", "float16", "it is one of: 'float32', 'bfloat16'"),
        ("inputs.table.kinds", ["age"], "wanted a value like"),
        ("inputs.tab.flip", 1, "wanted a value like True"),
        ("fit.epohcs", 1, r"did you mean 'fit\.epochs'\?"),
    ],
)
def test_impossible_settings_are_refused(name, value, told):
    with pytest.raises(PlanError, match=told):
        PLAN.set_by_user({name: value})


def test_all_faults_are_told_together():
    with pytest.raises(PlanError, match=r"no decision 'a'(.|\n)*'fit\.epochs' cannot be 'b'"):
        PLAN.set_by_user({"a": 1, "fit.epochs": "b"})
