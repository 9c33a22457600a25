"""Drift of columns: sums over blocks are those of the whole, a change is told and none is not."""

import numpy as np
import pyarrow as pa
import pytest

from osler.core.table import Table
from osler.modalities.tables import Tables

TABLES = Tables()


def read(cells, reading=None):
    table = Table(pa.table(cells), None)
    locators = TABLES.locate(table, columns=tuple(cells))
    found = reading or {d.name: d.value for d in TABLES.reading(locators, settings={})}
    return TABLES.shard(locators, reading=found, roles=frozenset({"input"})), found


def patients(rows=2000, seed=0):
    generator = np.random.default_rng(seed)
    glucose = generator.normal(110, 25, rows)
    glucose[generator.random(rows) < 0.1] = np.nan
    return {
        "glucose": glucose,
        "age": np.round(generator.normal(60, 12, rows)),
        "ward": np.array(["north", "south", "east"])[generator.integers(0, 3, rows)],
        "smoker": generator.integers(0, 2, rows),
    }


@pytest.fixture(scope="module")
def known():
    """Facts, state and reading of the training rows."""
    columns, reading = read(patients())
    rows = np.arange(2000)
    return TABLES.facts(columns, rows), TABLES.fit(columns, rows, groups=rows, plan={}), reading


def shifts(known, cells):
    facts, state, reading = known
    columns, _ = read(cells, reading)
    sums = TABLES.drift_sums(columns, np.arange(len(columns)), facts=facts, state=state)
    return {s.column: s for s in TABLES.drift(sums, facts=facts, state=state)}


def findings(known, cells):
    return {name: s.finding for name, s in shifts(known, cells).items() if s.finding}


@pytest.mark.parametrize("rows", [10, 200, 5000])
def test_more_patients_of_the_same_kind_show_no_drift(known, rows):
    for seed in range(1, 11):
        assert findings(known, patients(rows, seed)) == {}


def test_figures_are_those_of_the_columns(known):
    cells = patients(500, 1)
    cells["glucose"] = cells["glucose"] + 10
    found = shifts(known, cells)
    glucose, old = cells["glucose"], patients()["glucose"]
    one = found["glucose"]
    assert one.now["mean"] == pytest.approx(np.nanmean(glucose), abs=1e-3)
    assert one.now["sd"] == pytest.approx(np.nanstd(glucose, ddof=1), abs=1e-3)
    assert one.now["missing"] == pytest.approx(np.isnan(glucose).mean(), abs=1e-4)
    spread = np.sqrt((np.nanvar(glucose, ddof=1) + np.nanvar(old, ddof=1)) / 2)
    assert one.difference == pytest.approx((np.nanmean(glucose) - np.nanmean(old)) / spread, abs=0.01)
    assert 0.005 <= one.before["outside"] <= 0.015
    ward, before = cells["ward"], patients()["ward"]
    shares = [abs((ward == w).mean() - (before == w).mean()) for w in ("north", "south", "east")]
    assert found["ward"].distance == pytest.approx(sum(shares) / 2, abs=1e-3)


def test_sums_of_blocks_are_those_of_the_whole(known):
    facts, state, reading = known
    columns, _ = read(patients(900, 3), reading)
    whole = TABLES.drift_sums(columns, np.arange(900), facts=facts, state=state)
    parts = [
        TABLES.drift_sums(columns, rows, facts=facts, state=state) for rows in (np.arange(0), np.arange(400), np.arange(400, 900))
    ]
    for name, value in whole.items():
        np.testing.assert_allclose(sum(p[name] for p in parts), value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda c: {**c, "glucose": c["glucose"] / 18.016}, {"glucose": "unit"}),
        (lambda c: {**c, "age": c["age"] * 10}, {"age": "unit"}),
        (lambda c: {**c, "age": c["age"] + 9}, {"age": "mean"}),
        (lambda c: {**c, "ward": np.array(["Nord", "Süd"])[np.arange(len(c["ward"])) % 2]}, {"ward": "words"}),
        (lambda c: {**c, "ward": np.where(np.arange(len(c["ward"])) % 8 == 0, "roof", c["ward"])}, {"ward": "outside"}),
        (lambda c: {**c, "ward": np.where(np.arange(len(c["ward"])) % 2 == 0, "north", c["ward"])}, {"ward": "categories"}),
        (lambda c: {**c, "glucose": np.full(len(c["age"]), np.nan)}, {"glucose": "empty"}),
        (lambda c: {**c, "age": np.full(len(c["age"]), "see note")}, {"age": "text"}),
        (lambda c: {**c, "age": np.where(np.arange(len(c["age"])) % 3, c["age"], np.nan)}, {"age": "missing"}),
        (lambda c: {**c, "glucose": np.where(np.arange(len(c["age"])) % 2, 240.0, -20.0)}, {"glucose": "outside"}),
        (lambda c: {**c, "ward": np.arange(len(c["ward"]))}, {"ward": "words"}),
    ],
    ids=[
        "glucose in mmol/L",
        "ten times",
        "older",
        "translated",
        "a new ward",
        "one ward",
        "empty",
        "text",
        "missing",
        "both ends",
        "numbers",
    ],
)
def test_a_change_is_found_and_no_other(known, change, finding):
    assert findings(known, change(patients(800, 4))) == finding


def test_a_change_of_unit_says_how_many_times(known):
    cells = patients(800, 4)
    cells["glucose"] /= 18.016
    assert shifts(known, cells)["glucose"].detail == {"times": "1/18", "unit": "mg/dL / mmol/L (glucose)"}


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_few_cells_tell_no_figure(known, rows):
    cells = {name: values[:rows] for name, values in patients(10, 5).items()}
    for shift in shifts(known, cells).values():
        assert all(v is None for v in shift.now.values())
        assert shift.difference is None
        assert shift.distance is None
        assert shift.finding == ""


def test_limits_are_no_patient_s_value():
    generator = np.random.default_rng(0)
    cells = {"cost": generator.lognormal(5, 3, 400)}
    columns, _ = read(cells)
    facts = TABLES.facts(columns, np.arange(400))["numbers"]
    (limits,) = facts["limits"]
    assert not set(np.float32(limits).tolist()) & set(np.float32(cells["cost"]).tolist())
    assert (cells["cost"] > limits[1]).sum() <= 5
    few = TABLES.facts(columns, np.arange(4))["numbers"]
    assert (few["limits"], few["beyond"]) == ([None], [None])
