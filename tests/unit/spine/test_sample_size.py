"""The judgement of a sample size from facts and scores."""

import json

import numpy as np
import pytest

from osler.core.registry import task
from osler.core.scores import Value
from osler.spine.sample_size import develop, judged, validate


def facts(columns, kind="classification"):
    goal = task(kind)
    target, _ = goal.target({k: np.asarray(v) for k, v in columns.items()})
    return goal.facts(target, np.arange(len(target)))


BEFORE = facts({"y": [1] * 100 + [0] * 400})
NOW = facts({"y": [1] * 20 + [0] * 80})


def test_a_two_valued_outcome():
    found = judged(before=BEFORE, now=NOW, values={"auroc": Value(0.8)}, parameters=20)
    explained = validate.explained_by(0.8, share=0.2)
    assert found.explained == explained
    assert found.development.asked == {
        "risk": develop.for_risk(0.2),
        "shrinkage": develop.for_shrinkage(20, explained),
        "optimism": develop.for_optimism(20, explained, share=0.2),
    }
    assert (found.development.cases, found.development.events, found.test.cases, found.test.events) == (500, 100, 100, 20)
    assert found.shrinkage == pytest.approx(develop.expected_shrinkage(500, 20, explained))
    assert found.development.enough is False
    assert found.test.asked == {
        "ratio": validate.for_ratio(0.2),
        "area": validate.for_area(0.8, share=0.2),
        "slope": validate.for_slope(validate.predictor_of(0.8, share=0.2)),
    }
    assert json.loads(json.dumps(found.to_dict()))["test"]["enough"] is False


def test_enough_cases():
    many = facts({"y": [1] * 20_000 + [0] * 80_000})
    found = judged(before=many, now=many, values={"auroc": Value(0.8)}, parameters=5)
    assert found.development.enough
    assert found.test.enough
    assert found.shrinkage > 0.99


@pytest.mark.parametrize("area", [0.4, 0.5, float("nan")])
def test_a_model_no_better_than_chance_explains_nothing(area):
    found = judged(before=BEFORE, now=NOW, values={"auroc": Value(area)}, parameters=20)
    assert (found.explained, found.shrinkage, found.value) == (None, None, None)
    assert set(found.development.asked) == {"risk"}


def test_a_perfect_model_is_held_back_from_the_limit():
    found = judged(before=BEFORE, now=NOW, values={"auroc": Value(1.0)}, parameters=20)
    assert 0 < found.explained < develop.largest_explained(0.2)
    assert np.isfinite(found.development.most)


def test_inputs_without_parameters_and_new_data():
    found = judged(before=BEFORE, now=NOW, values={"auroc": Value(0.8)}, parameters=None)
    assert set(found.development.asked) == {"risk"}
    assert judged(before=None, now=NOW, values={"auroc": Value(0.8)}, parameters=None).development is None


def test_one_class_in_test():
    now = {**NOW, "counts": [[0, 30]]}
    found = judged(before=BEFORE, now=now, values={"auroc": Value(float("nan"))}, parameters=20)
    assert found.test.asked == {}
    assert found.test.enough is None


def test_of_several_labels_the_rarest_is_judged_by_its_own_auroc():
    columns = {"a b": [1, 0] * 50, "c": [1] * 10 + [0] * 90}
    values = {"auroc": Value(0.7), "auroc_a_b": Value(0.6), "auroc_c": Value(0.9)}
    found = judged(before=facts(columns), now=facts(columns), values=values, parameters=3)
    assert (found.outcome, found.value, found.development.events) == ("c", 0.9, 10)


def test_of_several_classes_the_rarest_against_the_others():
    columns = {"y": ["a"] * 60 + ["b"] * 30 + ["c"] * 10}
    found = judged(before=facts(columns), now=facts(columns), values={"auroc": Value(0.9)}, parameters=3)
    assert (found.development.events, found.test.events) == (10, 10)


def test_numbers():
    generator = np.random.default_rng(0)
    one = facts({"y": generator.normal(5, 2, 300)}, "regression")
    found = judged(before=one, now=one, values={"r2": Value(0.4)}, parameters=10)
    assert found.development.asked["shrinkage"] == develop.number_for_shrinkage(10, 0.4)
    assert found.development.asked["mean"] > 0
    assert found.test.asked == {"r2": validate.number_for_explained(0.4), "slope": validate.number_for_slope(0.4)}
    two = facts({"y": generator.normal(5, 2, 300), "z": generator.normal(0, 1, 300)}, "regression")
    values = {"r2": Value(0.5), "r2_y": Value(0.8), "r2_z": Value(-0.1)}
    found = judged(before=two, now=two, values=values, parameters=10)
    assert (found.outcome, found.explained) == ("z", None)


def test_other_outcomes_are_not_judged():
    assert judged(before=None, now={"kind": "segmentation"}, values={}, parameters=None) is None
