"""Subgroups: how a column is cut, what is told of each part, and whether the parts differ."""

import json
import time

import numpy as np
import pytest
from scipy.special import expit

from osler.core.state import State
from osler.core.target import Target
from osler.spine.evaluate import evaluate, score_statistics
from osler.spine.evaluate.cuts import LEAST_NAMED, LEAST_SHOWN, cut
from osler.spine.evaluate.resampling import Units
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

BINARY = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
NUMBERS = {"kind": "regression", "names": ["u", "v"]}
STATELESS = State()


def single(n):
    return Units.of(None, n)


def told(values, units=None):
    found, notes = cut("ward", np.asarray(values), units=units or single(len(values)))
    return {one.label: len(one.rows) for one in found}, notes


def texts(*pairs):
    return np.array([text for text, times in pairs for _ in range(times)], object)


def test_categories_stay_as_they_are_the_most_frequent_first():
    assert told(texts(("f", 30), ("m", 50), ("x", 20)))[0] == {"m": 50, "f": 30, "x": 20}


def test_numbers_of_few_values_are_categories_in_their_order():
    assert told(texts(("2", 30), ("1.0", 25), ("1", 25), ("10", 40)))[0] == {"1": 50, "2": 30, "10": 40}
    assert told(np.repeat([2.0, 1.0], [30, 50]))[0] == {"1": 50, "2": 30}


def test_rare_categories_are_pooled_or_left_out():
    sizes, _ = told(texts(("a", 60), ("b", 40), *((f"secret{i}", 4) for i in range(6))))
    assert sizes == {"a": 60, "b": 40, "other": 24}
    sizes, notes = told(texts(("a", 60), ("b", 40), ("secret", 4)))
    assert sizes == {"a": 60, "b": 40}
    assert notes == (f"Subgroups of fewer than {LEAST_SHOWN} cases are left out.",)


def test_missing_cells_are_a_subgroup_of_their_own():
    assert told(np.array(["a"] * 30 + ["b"] * 30 + [None] * 25, object))[0] == {"a": 30, "b": 30, "missing": 25}
    numbers = np.append(np.linspace(0, 100, 200), np.full(30, np.nan))
    assert told(numbers)[0]["missing"] == 30


def test_a_category_of_few_groups_is_not_named():
    groups = np.concatenate([np.arange(60) % 4, np.arange(60) % 4 + 4, np.arange(60) % 40 + 8])
    sizes, _ = told(texts(("four patients", 60), ("other four", 60), ("many", 60)), Units.of(groups, 180))
    assert sizes == {"many": 60, "other": 120}
    assert told(texts(("four patients", 60), ("many", 60)), Units.of(np.delete(groups, np.s_[60:120]), 120))[0] == {}
    assert LEAST_NAMED > 1


@pytest.mark.parametrize("as_text", [False, True])
def test_numbers_are_cut_at_rounded_quartiles(as_text):
    ages = np.random.default_rng(0).normal(60, 15, 2_000).round(1)
    sizes, notes = told(np.array([str(a) for a in ages], object) if as_text else ages)
    assert list(sizes) == ["< 50", "50 to < 60", "60 to < 70", "≥ 70"]
    assert sum(sizes.values()) == 2_000
    assert sizes["< 50"] == (ages < 50).sum()
    assert notes == ("Bands end at rounded quartiles of these cases.",)


@pytest.mark.parametrize("values", [10.0 ** np.linspace(-300, 300, 500), np.linspace(0, 1e-9, 300), -np.geomspace(1, 9, 100)])
def test_bands_of_any_scale_hold_enough_cases(values):
    sizes, _ = told(values)
    assert len(sizes) > 1
    assert min(sizes.values()) >= LEAST_SHOWN
    assert sum(sizes.values()) == len(values)


def test_a_heap_of_zeros_is_a_band():
    values = np.concatenate([np.zeros(900), np.random.default_rng(0).exponential(5.0, 100)])
    sizes, _ = told(values)
    assert min(sizes.values()) >= LEAST_SHOWN
    assert len(sizes) >= 2


def test_dates_are_cut_by_year():
    days = np.array([f"{2001 + i % 20}-0{1 + i % 9}-11" for i in range(400)], object)
    sizes, _ = told(days)
    assert len(sizes) == 4
    assert all("20" in label for label in sizes)


@pytest.mark.parametrize(
    "values",
    [texts(("same", 500)), np.full(100, np.nan), np.full(100, 7.0),
     np.array([None] * 100, object), texts(("a", 12), ("b", 15))],
    ids=["one value", "nothing", "one number", "no text", "too few"],
)  # fmt: skip
def test_where_nothing_can_be_told_apart_it_is_said(values):
    began = time.perf_counter()
    assert told(values) == ({}, ("No two subgroups of at least 20 cases can be told apart.",))
    assert time.perf_counter() - began < 5


def study(n, *, seed=0, worse=0.0):
    """Return raw outputs and target; in the second half of the cases the score is disturbed by `worse`."""
    generator = np.random.default_rng(seed)
    logit = generator.normal(size=n) * 1.3 - 0.7
    truth = (generator.random(n) < expit(logit)).astype(float)
    half = np.arange(n) >= n // 2
    seen = logit + worse * half * generator.normal(size=n)
    column = np.where(half, "late", "early").astype(object)
    return seen[:, None], Target(truth[:, None], np.ones((n, 1), bool), BINARY), column


def panels(raw, target, columns, *, groups=None, task=None, resamples=200):
    task = task or Classification()
    statistics = task.statistics(raw, target, state=STATELESS, plan={})
    found = score_statistics(
        task, {"test": statistics}, info=target.info, groups=groups, seed=0, resamples=resamples, subgroups=columns
    )
    json.dumps(found.to_dict(), allow_nan=False)
    return {p.name: p for p in found.panels}, found


def test_a_subgroup_has_the_measures_of_its_cases_alone():
    raw, target, column = study(800)
    found, _ = panels(raw, target, {"when": column})
    late = np.flatnonzero(column == "late")
    alone = evaluate(
        Classification(), {"test": raw[late]}, target.take(late), states={}, groups=None, plan={}, seed=1, resamples=200
    ).test
    rows = {row.label: row for row in found["subgroup.when"].rows}
    assert rows["late"].cases == 400
    assert {"auroc", "calibration_slope", "calibration_intercept", "oe_ratio", "sensitivity", "specificity"} <= set(
        rows["late"].values
    )
    assert "ppv" not in rows["late"].values
    for name, value in rows["late"].values.items():
        assert value.value == pytest.approx(alone[name].value)
        assert value.high - value.low == pytest.approx(alone[name].high - alone[name].low, rel=0.3), name


def test_a_difference_is_found_and_none_is_not_invented():
    raw, target, column = study(3_000, worse=2.5)
    notes = panels(raw, target, {"when": column})[0]["subgroup.when"].notes
    assert any(note.startswith("A difference in auroc") and "p < 0.001" in note for note in notes)
    raw, target, column = study(3_000)
    notes = panels(raw, target, {"when": column})[0]["subgroup.when"].notes
    assert any(note.startswith("No difference in auroc") for note in notes)


def test_several_columns_are_adjusted_for():
    raw, target, column = study(600)
    other = np.array(["a", "b", "c"], object)[np.arange(600) % 3]
    notes = panels(raw, target, {"when": column, "ward": other})[0]["subgroup.ward"].notes
    assert any("adjusted for 2 columns after Holm" in note for note in notes)


def test_multiplicity_is_said():
    raw, target, column = study(800)
    panel = panels(raw, target, {"when": column})[0]["subgroup.when"]
    given = sum(v.low is not None for row in panel.rows for v in row.values.values())
    assert panel.notes[0].startswith(f"Of the {given} intervals of this table, about {0.05 * given:.1f} miss")


def test_under_the_same_p_value_about_one_in_twenty_is_found():
    chances = []
    for seed in range(120):
        raw, target, column = study(400, seed=seed)
        note = next(
            n for n in panels(raw, target, {"when": column}, resamples=100)[0]["subgroup.when"].notes if "difference" in n
        )
        chances.append(float(note.split("p = ")[1].split(",")[0]) if "p = " in note else 0.0)
    assert 0.0 <= np.mean(np.array(chances) < 0.05) <= 0.11
    assert 0.35 < np.mean(chances) < 0.65


def test_few_groups_in_a_subgroup_leave_values_without_interval():
    raw, target, column = study(600)
    groups = np.where(column == "late", np.arange(600) % 6, 100 + np.arange(600) % 60)
    found, _ = panels(raw, target, {"when": column}, groups=groups)
    rows = {row.label: row for row in found["subgroup.when"].rows}
    assert all(v.low is None and np.isfinite(v.value) for v in rows["late"].values.values())
    assert rows["late"].values["auroc"].note == "6 groups are too few for an interval"
    assert rows["early"].values["auroc"].low is not None


@pytest.mark.parametrize("groups", [5, 20])
def test_few_groups_in_all(groups):
    raw, target, column = study(600)
    found, _ = panels(raw, target, {"when": np.roll(column, 150)}, groups=np.arange(600) % groups)
    values = [v for row in found["subgroup.when"].rows for v in row.values.values()]
    assert all((v.low is None) == (groups == 5) for v in values)


@pytest.mark.parametrize("case", ["one class", "equal", "rare", "ten", "unobserved"])
def test_degenerate_cases_have_values_or_reasons(case):
    raw, target, column = study(10 if case == "ten" else 600)
    values = target.values.copy()
    if case == "one class":
        values[:] = 1.0
    if case == "rare":
        values[:] = 0.0
        values[:3] = 1.0
    if case == "unobserved":
        values[:300] = np.nan
    if case == "equal":
        raw = np.zeros_like(raw)
    found, _ = panels(raw, Target(values, ~np.isnan(values), BINARY), {"when": column})
    for row in found["subgroup.when"].rows:
        assert all(v.note or v.low is not None for v in row.values.values())


def test_numbers_with_several_targets():
    generator = np.random.default_rng(0)
    truth = generator.normal(size=(400, 2)) * [1.0, 10.0]
    raw = truth + generator.normal(size=(400, 2))
    target = Target(truth, generator.random((400, 2)) > 0.1, NUMBERS)
    column = np.array(["a", "b"], object)[np.arange(400) % 2]
    found, _ = panels(raw, target, {"site": column}, task=Regression())
    for row in found["subgroup.site"].rows:
        assert {"scaled_rmse", "rmse_u", "calibration_intercept_v"} <= set(row.values)
        assert all(v.low is not None for v in row.values.values())


def test_many_cases_in_another_order_score_the_same():
    """Very many cases are sorted in memory first; values do not change, and columns go with their cases."""
    raw, target, column = study(100_002, worse=1.0)
    found, scores = panels(raw, target, {"when": column}, resamples=60)
    late = np.flatnonzero(column == "late")
    lines = Classification().statistics(raw[late], target.take(late), state=STATELESS, plan={})
    alone = Classification().measures(lines, np.ones((1, len(late)), np.uint8), info=BINARY)
    row = next(row for row in found["subgroup.when"].rows if row.label == "late")
    assert row.values["auroc"].value == pytest.approx(alone["auroc"][0], abs=1e-12)
    assert scores.counts["cases"] == 100_002


def test_a_column_of_a_hundred_thousand_values_is_left_out_with_its_reason():
    began = time.perf_counter()
    found, notes = cut("visit", np.array([f"v{n:06d}" for n in range(100_000)], object), units=single(100_000))
    assert time.perf_counter() - began < 5
    assert found == ()
    assert notes == ("Column 'visit' has 100000 different values, none of them shared by 20 cases: no subgroups of it are told.",)


def test_a_band_of_a_few_patients_is_left_out():
    ages = np.concatenate([np.repeat(np.arange(20.0, 60.0), 5), np.full(60, 90.0)])
    groups = np.concatenate([np.repeat(np.arange(40), 5), np.full(60, 40)])
    found, notes = cut("age", ages, units=Units.of(groups, len(ages)))
    assert "≥ 90" not in [one.label for one in found]
    assert "Subgroups of fewer than 5 groups are left out." in notes
