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


def grouped(values, kind="classification"):
    goal = task(kind)
    target, _ = goal.target({"y": np.asarray(values)})
    return goal.facts(target, np.arange(len(target))), target


def test_rows_of_one_patient_count_as_what_they_are_worth():
    """Real tumours, ten rows each: copies tell nothing more, so the interval is that of the tumours (Student's for Wilson's)."""
    from sklearn.datasets import load_breast_cancer

    truth = load_breast_cancer().target[:120]
    before = facts([1] * 357 + [0] * 212)
    (plain,) = outcome_shifts(before, facts(truth))
    copies, target = grouped(np.repeat(truth, 10))
    (told,) = outcome_shifts(before, copies, target=target, groups=np.repeat(np.arange(120), 10))
    (naive,) = outcome_shifts(before, copies)
    assert told.high - told.low == pytest.approx(plain.high - plain.low, rel=0.03)
    assert naive.high - naive.low < 0.4 * (told.high - told.low)
    single, alone = grouped(truth)
    assert outcome_shifts(before, single, target=alone, groups=np.arange(120)) == (plain,)


def test_a_few_hospitals_do_not_make_a_clear_change():
    """Nine hospitals with shares from 10% to 50%: their mean differs from training by less than hospitals differ."""
    shares = np.linspace(0.1, 0.5, 9)
    values = np.concatenate([(np.arange(200) < 200 * share).astype(int) for share in shares])
    now, target = grouped(values)
    before, groups = facts([1] * 250 + [0] * 750), np.repeat(np.arange(9), 200)
    assert outcome_shifts(before, now)[0].clear
    assert not outcome_shifts(before, now, target=target, groups=groups)[0].clear


def test_the_mean_of_a_number_in_groups():
    """The interval of equal groups is Student's of their means."""
    generator = np.random.default_rng(1)
    means = generator.normal(11, 2, 12)
    now, target = grouped(np.repeat(means, 20) + np.tile(np.linspace(-1, 1, 20), 12), "regression")
    (told,) = outcome_shifts(facts(generator.normal(10, 2, 500), "regression"), now, target=target,
                             groups=np.repeat(np.arange(12), 20))  # fmt: skip
    assert told.high - told.now == pytest.approx(2.201 * means.std(ddof=1) / np.sqrt(12), rel=1e-3)


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
