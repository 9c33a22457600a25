"""Drift of events: sums over blocks are those of the whole, a change is told and none is not."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from osler.core.columns import Ragged
from osler.modalities.timelines.drift import drift, drift_sums
from osler.modalities.timelines.facts import facts
from osler.modalities.timelines.fit import fit
from tests.unit.modalities.timelines.stays import columns_of, physionet


@pytest.fixture(scope="module")
def known(data):
    """Real stays, and facts and state of the first four hundred."""
    columns, _ = physionet(data, most=800)
    rows = np.arange(400)
    return columns, facts(columns, rows), fit(columns, rows, groups=np.arange(800), plan={})


def shifts(known, columns, rows=None):
    _, told, state = known
    rows = np.arange(400, len(columns)) if rows is None else rows
    return {s.column: s for s in drift(drift_sums(columns, rows, facts=told, state=state), facts=told, state=state)}


def with_values(columns, name, change):
    """Return the columns with the values of one code changed."""
    key = next(k for k, text in zip(columns.words.keys, columns.words.texts, strict=True) if text == name)
    values = columns["values"].values.copy()
    at = columns["codes"].values == key
    values[at] = change(values[at])
    return type(columns)(
        columns.fields, {**columns.arrays, "values": Ragged(values, columns["values"].offsets)}, columns.present,
        columns.fingerprints, {}, columns.words,
    )  # fmt: skip


def without(columns, name):
    key = next(k for k, text in zip(columns.words.keys, columns.words.texts, strict=True) if text == name)
    kept = columns["codes"].values != key
    ends = np.concatenate([[0], np.cumsum(kept)])[columns["codes"].offsets]
    arrays = {f.name: Ragged(columns[f.name].values[kept], ends) for f in columns.fields}
    return type(columns)(columns.fields, arrays, columns.present, columns.fingerprints, {}, columns.words)


def test_more_patients_of_the_same_hospitals_show_no_drift(known):
    found = shifts(known, known[0])
    assert {name: s.finding for name, s in found.items() if s.finding} == {}
    assert len(found) > 30
    assert found["HR"].difference == pytest.approx(0, abs=0.2)
    assert json.loads(json.dumps([asdict(s) for s in found.values()], allow_nan=False))


def test_sums_of_blocks_are_those_of_the_whole(known):
    columns, told, state = known
    whole = drift_sums(columns, np.arange(400, 800), facts=told, state=state)
    parts = [drift_sums(columns, np.arange(a, a + 100), facts=told, state=state) for a in range(400, 800, 100)]
    for name, array in whole.items():
        np.testing.assert_allclose(sum(p[name] for p in parts), array, rtol=1e-9, atol=1e-6)


def test_another_unit_is_recognised(known):
    glucose = shifts(known, with_values(known[0], "Glucose", lambda v: v / 18.016))["Glucose"]
    assert glucose.finding == "unit"
    assert glucose.detail == {"times": "1/18", "unit": "mg/dL / mmol/L (glucose)"}
    warm = shifts(known, with_values(known[0], "Temp", lambda v: 1.8 * v + 32))["Temp"]
    assert (warm.finding, warm.detail["unit"]) == ("unit", "°F / °C")


def test_a_moved_mean_a_lost_code_and_impossible_values_are_told(known):
    columns = known[0]
    moved = shifts(known, with_values(columns, "Creatinine", lambda v: v + 1.5))["Creatinine"]
    assert moved.finding == "mean"
    assert shifts(known, without(columns, "HR"))["HR"].finding == "empty"
    bad = np.array([0x7FC00001], np.uint32).view(np.float32)[0]
    masked = shifts(known, with_values(columns, "pH", lambda v: np.where(np.arange(len(v)) % 3 == 0, bad, v)))["pH"]
    assert masked.finding == "outside"
    assert masked.now["outside"] == pytest.approx(1 / 3, abs=0.02)


def test_codes_of_another_system_are_told(known):
    columns = known[0]
    codes = Ragged(columns["codes"].values + 1, columns["codes"].offsets)
    other = type(columns)(columns.fields, {**columns.arrays, "codes": codes}, columns.present, columns.fingerprints, {})
    found = shifts(known, other)
    assert found["event codes"].finding == "words"
    assert found["event codes"].now["unknown"] == 1.0
    assert found["HR"].finding == "empty"


def test_a_code_without_values_is_compared_by_who_has_it():
    cases = [[(-1.0, "drug", None), *([(-1.0, "rare", None)] if row % 4 == 0 else [])] for row in range(400)]
    columns = columns_of(cases)
    rows = np.arange(400)
    known = columns, facts(columns, rows), fit(columns, rows, groups=rows, plan={})
    later = columns_of([[(-1.0, "drug", None), *([(-1.0, "rare", None)] if row % 4 else [])] for row in range(400)])
    found = shifts(known, later, rows)
    assert (found["rare"].kind, found["rare"].finding, found["drug"].finding) == ("category", "missing", "")
    assert (found["rare"].before["missing"], found["rare"].now["missing"]) == (0.75, 0.25)


def test_nothing_is_told_of_fewer_than_five(known):
    found = shifts(known, known[0], np.arange(400, 404))
    assert all(value is None for s in found.values() for value in s.now.values())
    assert not any(s.finding for s in found.values())
    assert shifts(known, known[0], np.empty(0, np.int64)) == {}
