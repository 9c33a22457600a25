"""Drift of the outcome, and the adding up over blocks for any modality."""

import json

import numpy as np
import pytest

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.drift import Shift
from osler.core.registry import task
from osler.core.state import State
from osler.spine.drift import Sums, outcome_shifts


def facts(values, kind="classification", info=None):
    goal = task(kind)
    target, _ = goal.target({"y": np.asarray(values)}, info=info)
    return goal.facts(target, np.arange(len(target)))


def test_the_share_of_the_outcome_with_its_interval():
    before = facts([1] * 200 + [0] * 800)
    (shift,) = outcome_shifts(before, facts([1] * 81 + [0] * 182))
    assert (shift.outcome, shift.label, shift.before) == ("y", "1", 0.2)
    assert (round(shift.low, 4), round(shift.high, 4)) == (0.2553, 0.3662)  # Newcombe 1998, table I
    assert shift.clear
    assert not outcome_shifts(before, facts([1] * 20 + [0] * 80))[0].clear


def test_the_training_cases_are_a_sample_too():
    """A share among a million new cases is known so well that any other would be another one."""
    before, now = facts([1] * 328 + [0] * 672), facts([1] * 325_000 + [0] * 675_000)
    (shift,) = outcome_shifts(before, now)
    assert shift.high < shift.before
    assert not shift.clear


def test_one_class_only():
    before = facts([1] * 50 + [0] * 50)
    info = {k: before[k] for k in ("kind", "names", "classes", "positive")}
    (shift,) = outcome_shifts(before, facts([1] * 30, info=info))
    assert (shift.now, shift.high) == (1.0, pytest.approx(1.0))
    assert shift.clear


def test_one_in_ten_thousand():
    before = facts([1] * 10 + [0] * 99_990)
    (shift,) = outcome_shifts(before, facts([1] * 12 + [0] * 99_988))
    assert shift.low < 1e-4 < shift.high
    assert not shift.clear


def test_classes_with_few_cases_are_left_out():
    before = facts(["a"] * 40 + ["b"] * 40 + ["c"] * 5)
    info = {k: before[k] for k in ("kind", "names", "classes", "positive") if k in before}
    told = outcome_shifts(before, facts(["a"] * 60 + ["b"] * 10 + ["c"] * 3, info=info))
    assert [s.label for s in told] == ["a", "b"]


def test_the_mean_of_a_number():
    generator = np.random.default_rng(0)
    before, now = generator.normal(10, 2, 500), generator.normal(11, 2, 100)
    (shift,) = outcome_shifts(facts(before, "regression"), facts(now, "regression"))
    assert shift.now == pytest.approx(now.mean())
    assert shift.high - shift.now == pytest.approx(1.984 * now.std(ddof=0) / 10, rel=0.02)  # t quantile of 99 degrees of freedom
    assert outcome_shifts(facts(before, "regression"), facts(now[:3], "regression")) == ()


def test_nothing_is_compared_where_facts_are_of_another_form():
    assert outcome_shifts({}, {}) == ()
    assert outcome_shifts(facts([1, 0] * 10), facts([0.5, 1.5, 2.5] * 5, "regression")) == ()


class Lengths(Modality):
    """A kind of data of which only the number of cases is compared."""

    name = "lengths"

    def drift_sums(self, columns, rows, *, facts, state):
        return {"rows": np.array(float(len(rows)))}

    def drift(self, sums, *, facts, state):
        return (Shift("length", "number", {"rows": float(sums["rows"])}, {"rows": facts["rows"]}),)


def columns(present):
    present = np.asarray(present, bool)
    return Columns((), {}, present, np.zeros((len(present), 2), np.int64))


def test_any_modality_joins_and_one_without_drift_says_nothing():
    modalities = {"a": Lengths(), "b": Modality()}
    sums = Sums(modalities, {"a": {"rows": 7}, "b": {}}, {"a": State(), "b": State()})
    for present in ([True, False, True], [False], [True, True]):
        block = columns(present)
        sums.add({"a": block, "b": block}, np.arange(len(block)))
    drift = sums.drift(before={}, now={}, cases=6)
    assert drift.inputs["a"][0].now == {"rows": 4.0}
    assert "b" not in drift.inputs
    assert json.loads(json.dumps(drift.to_dict()))["cases"] == 6
