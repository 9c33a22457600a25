"""Facts are those of the events, and tell nothing that fewer than five cases share."""

import json

import numpy as np
import pytest

from osler.modalities.timelines.facts import facts, parameters
from tests.unit.modalities.timelines.stays import columns_of, physionet

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@pytest.fixture(scope="module")
def stays(data):
    return physionet(data, most=150)[0]


def line(told, name):
    at = told["listed"]["names"].index(name)
    return {key: values[at] for key, values in told["listed"].items()}


def test_facts_of_real_stays_are_those_by_hand(stays):
    rows = np.arange(10, 150)
    told = facts(stays, rows)
    lengths = np.diff(stays["times"].offsets)[rows]
    here = lengths > 0
    assert told["cases"] == 140
    assert told["events"] == lengths.sum()
    assert told["per_case"]["events"] == pytest.approx(np.quantile(lengths[here], LEVELS), rel=5e-3)
    times = np.array([len(np.unique(stays["times"][r])) for r in rows])[here]
    assert told["per_case"]["times"] == pytest.approx(np.quantile(times, LEVELS), rel=5e-3)
    assert told["per_case"]["days"][2] == pytest.approx(2.0)
    key = next(k for k, text in zip(stays.words.keys, stays.words.texts, strict=True) if text == "Creatinine")
    cases = [stays["values"][r][stays["codes"][r] == key].astype(float) for r in rows]
    means = np.array([v.mean() for v in cases if len(v)])
    one = line(told, "Creatinine")
    assert one["share"] == pytest.approx(np.mean([len(v) > 0 for v in cases]), abs=1e-4)
    assert one["events"] == pytest.approx(np.sum([len(v) for v in cases]) / len(means), rel=5e-3)
    assert one["mean"] == pytest.approx(means.mean(), abs=0.011)
    assert one["sd"] == pytest.approx(means.std(ddof=1), abs=0.011)
    values = np.concatenate(cases)
    assert one["quantiles"] == pytest.approx(np.quantile(values, LEVELS), abs=0.011)
    low, high = one["limits"]
    assert one["beyond"] == pytest.approx(((values < low - 1e-6) | (values > high + 1e-6)).mean(), abs=2e-4)
    assert one["numeric"] == 1.0


def test_the_codes_that_most_cases_have_come_first(stays):
    shares = facts(stays, np.arange(150))["listed"]["share"]
    assert shares == sorted(shares, reverse=True)
    cases = [[(-1.0, f"c{at}", None) for at in range(row % 300)] for row in range(900)]
    told = facts(columns_of(cases), np.arange(900))
    assert len(told["listed"]["names"]) == 200
    assert told["listed"]["names"][0] == "c0"


def test_what_fewer_than_five_cases_have_is_not_told():
    cases = [[(-1.0, "common", 1.0), *([(-2.0, f"secret {row}", 7.0)] if row < 4 else [])] for row in range(20)]
    told = facts(columns_of(cases), np.arange(20))
    assert "secret" not in json.dumps(told)
    assert told["codes"] == 1
    assert told["rare"] == pytest.approx(4 / 24, abs=1e-4)
    few = [[(-1.0, "lab", 123.0 if row < 4 else None)] for row in range(9)]
    assert "123" not in json.dumps(facts(columns_of(few), np.arange(9)))
    assert facts(columns_of(few), np.arange(4))["per_case"] == {"events": None, "times": None, "days": None}


def test_what_one_patient_has_in_many_cases_is_not_told():
    cases = [[(-1.0, "common", 1.0), *([(-2.0, "secret", 7.25)] if row < 8 else [])] for row in range(20)]
    columns, rows = columns_of(cases), np.arange(20)
    assert "secret" in json.dumps(facts(columns, rows))
    patients = np.where(rows < 8, 0, rows)
    told = facts(columns, rows, groups=patients)
    assert "secret" not in json.dumps(told)
    assert "7.25" not in json.dumps(told)
    shared = [[(-1.0, "lab", 123.0 if row < 8 else None)] for row in range(20)]
    assert "123" not in json.dumps(facts(columns_of(shared), rows, groups=patients))
    assert facts(columns, rows, groups=np.minimum(rows, 3))["per_case"] == {"events": None, "times": None, "days": None}


def test_impossible_values_are_counted_and_measured_nowhere():
    bad = np.array([0x7FC00001], np.uint32).view(np.float32)[0]
    cases = [[(-2.0, "pH", 7.4), (-1.0, "pH", bad)]] * 8
    one = line(facts(columns_of(cases), np.arange(8)), "pH")
    assert (one["impossible"], one["numeric"], one["mean"]) == (8, 0.5, 7.4)


def test_a_regression_would_have_one_parameter_for_each_common_code(stays):
    told = facts(stays, np.arange(150))
    assert parameters(told) == 1 + sum(share >= 0.05 for share in told["listed"]["share"])


def test_facts_of_nothing_are_json():
    for cases in ([], [None], [[]], [[(0.0, "a", None)]]):
        columns = columns_of(cases)
        told = facts(columns, np.arange(len(cases)))
        assert json.loads(json.dumps(told, allow_nan=False))["cases"] == len(cases)
        assert told["listed"]["names"] == []
