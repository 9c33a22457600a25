"""A code's events are told, exchanged and drawn; the drawing holds no word but names of codes and runs no script."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from osler.core.columns import Columns
from osler.modalities.timelines import Timelines
from osler.modalities.timelines.explain.lanes import MOST, POINTS, aligned
from osler.modalities.timelines.facts import facts
from osler.modalities.timelines.fit import fit, places
from tests.unit.modalities.timelines.stays import columns_of, physionet

TIMELINES = Timelines()
BAD = np.array([0x7FC00001], np.uint32).view(np.float32)[0]


@pytest.fixture(scope="module")
def stays(data):
    columns, _ = physionet(data, most=120)
    rows = np.arange(120)
    return columns, fit(columns, rows, groups=rows, plan={}), facts(columns, rows)


def events_of(columns, row):
    return list(zip(*(columns[name][row].tolist() for name in ("times", "codes", "values")), strict=True))


def drawn(*args, **named):
    svg = TIMELINES.picture(*args, **named)
    root = ET.fromstring(svg)
    texts = [t.text or "" for t in root.iter("{http://www.w3.org/2000/svg}text")]
    return svg, root, texts


# features -----------------------------------------------------------------------------------------------------------------


def test_the_most_frequent_codes_are_features_and_the_rest_is_one(stays):
    columns, state, _ = stays
    found = TIMELINES.features(columns, state=state)
    share = dict(zip(state.values["names"], state.arrays["share"], strict=True))
    assert [share[f.name] for f in found[:-1]] == sorted(share.values(), reverse=True)
    assert found[-1].name == ""
    cases = [[(-1.0, f"c{at}", None) for at in range(row % 300)] for row in range(900)]
    many = columns_of(cases)
    state = fit(many, np.arange(900), groups=np.arange(900), plan={})
    assert len(TIMELINES.features(many, state=state)) == 201
    assert (np.bincount(state.arrays["owner"])[:200] == 1).all()
    assert state.arrays["owner"][-1] == 200


def test_one_code_comes_from_another_case_and_the_others_stay(stays):
    columns, state, _ = stays
    features = TIMELINES.features(columns, state=state)
    at = next(place for place, f in enumerate(features) if f.name == "HR")
    key = state.arrays["codes"][state.values["names"].index("HR")]
    lender = np.roll(np.arange(120), 7)
    found = TIMELINES.changed(columns, feature=at, values=lender, state=state)
    for row in range(120):
        own = [e for e in events_of(columns, row) if e[1] != key]
        lent = [e for e in events_of(columns, int(lender[row])) if e[1] == key]
        key_of = lambda e: (e[0], e[1])  # noqa: E731
        np.testing.assert_equal(events_of(found, row), sorted(own + lent, key=key_of))
    assert found.present.tolist() == columns.present.tolist()


def test_a_case_that_is_left_without_events_is_absent():
    columns = columns_of([[(-1.0, "pulse" if row % 2 else "sodium", float(row))] for row in range(20)])
    rows = np.arange(20)
    state = fit(columns, rows, groups=rows, plan={})
    at = next(place for place, f in enumerate(TIMELINES.features(columns, state=state)) if f.name == "pulse")
    found = TIMELINES.changed(columns, feature=at, values=np.roll(rows, 1), state=state)
    assert found.present.tolist() == [True, False] * 10
    assert np.diff(found["times"].offsets).tolist() == [2, 0] * 10


def test_all_features_exchanged_are_all_events_exchanged():
    generator = np.random.default_rng(0)
    cases = [
        [(-float(t), f"c{generator.integers(9)}", float(v)) for t, v in generator.random((generator.integers(0, 12), 2))]
        for _ in range(30)
    ]
    columns = columns_of([*cases, [(-1.0, "rare", 1.0)]])
    state = fit(columns, np.arange(31), groups=np.arange(31), plan={"vocabulary": 5})
    order = generator.permutation(31)
    found = columns
    for at in range(len(TIMELINES.features(columns, state=state))):
        values = TIMELINES.values(columns, feature=at, state=state)[order]
        found = TIMELINES.changed(found, feature=at, values=values, state=state)
    whole = columns.take(order)
    for name in ("times", "codes", "values"):
        np.testing.assert_array_equal(found[name].values, whole[name].values)
        np.testing.assert_array_equal(found[name].offsets, whole[name].offsets)


# one case -----------------------------------------------------------------------------------------------------------------


def test_each_code_is_told_with_its_last_value_and_its_place_in_training(stays):
    columns, state, told = stays
    features = TIMELINES.features(columns, state=state)
    attribution = np.arange(len(features), dtype=float)
    found = TIMELINES.explain(attribution, columns, 5, state=state, facts=told)["features"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [f["name"] for f in found] == [f.name for f in features]
    assert [f["attribution"] for f in found] == attribution.tolist()
    one = next(f for f in found if f["name"] == "HR")
    key = state.arrays["codes"][state.values["names"].index("HR")]
    own = [e for e in events_of(columns, 5) if e[1] == key]
    assert (one["count"], one["value"]) == (len(own), pytest.approx(own[-1][2]))
    assert one["since"] == pytest.approx(-own[-1][0], rel=1e-3)
    quantiles = dict(zip(told["listed"]["names"], told["listed"]["quantiles"], strict=True))["HR"]
    low, high = one["band"]
    levels = dict(zip((0.05, 0.25, 0.5, 0.75, 0.95), quantiles, strict=True))
    assert levels.get(low, -np.inf) <= own[-1][2] <= levels.get(high, np.inf)
    absent = next(f for f in found if f["count"] == 0)
    assert (absent["value"], absent["since"], absent["band"]) == (None, None, None)


def test_a_code_without_values_is_told_by_how_often_and_when():
    columns = columns_of([[(-3.0, "drug", None), (-2.0, "drug", None)]] * 6)
    state = fit(columns, np.arange(6), groups=np.arange(6), plan={})
    found = TIMELINES.explain(np.zeros(2), columns, 0, state=state, facts={})["features"]
    assert found[0] == {"name": "drug", "attribution": 0.0, "count": 2, "since": 2.0}


# the drawing --------------------------------------------------------------------------------------------------------------


def test_what_speaks_for_is_orange_and_stands_first(stays):
    columns, state, _ = stays
    codes = columns["codes"][5]
    places_of = places(codes, state)
    adds = np.zeros((len(codes), 2))
    urine, glucose = (state.values["names"].index(n) for n in ("Urine", "Glucose"))
    adds[places_of == urine, 0], adds[places_of == glucose, 1] = 1.0, -0.5
    svg, root, texts = drawn(columns, 5, layers={"attribution": adds}, state=state)
    assert texts[0] == "Urine"
    assert [t for t in texts if t in state.values["names"]][1] == "Glucose"
    circles = list(root.iter("{http://www.w3.org/2000/svg}circle"))
    fills = [c.get("fill") for c in circles[:-4]]  # the last four are the scale
    assert fills.count("#d55e00") == min((places_of == urine).sum(), POINTS)
    assert fills.count("#0072b2") == (places_of == glucose).sum()
    assert len([t for t in texts if t in state.values["names"]]) == MOST
    assert f"+{len(np.unique(codes)) - MOST}" in texts
    assert "<circle" not in TIMELINES.picture(columns, 5, state=state)
    assert "<circle" not in TIMELINES.picture(columns, 5, layers={"attribution": 0 * adds}, state=state)
    assert len(svg) < 200_000


def test_nothing_but_names_of_codes_and_numbers_is_written(stays):
    columns, state, _ = stays
    for row in range(0, 120, 10):
        if len(columns["times"][row]):
            _, _, texts = drawn(columns, row, state=state)
            assert {
                t for t in texts if t not in state.values["names"] and not re.fullmatch(r"[−+]?[\d.e+-]+( [hd])?", t)
            } == set()


def test_a_name_cannot_bring_markup_into_the_page():
    name = "<script>alert('x')</script>\x00\x1b\"&\n"
    svg, _, texts = drawn(columns_of([[(-1.0, name, 1.0), (-0.5, name, BAD)]]), 0)
    assert "<script" not in svg
    assert texts[0].startswith("<script>alert")
    assert not any(ord(c) < 32 for c in svg)


def test_absent_and_empty_cases_are_not_drawn():
    columns = columns_of([None, [], [(0.0, "a", None)]])
    assert TIMELINES.picture(columns, 0) is None
    assert TIMELINES.picture(columns, 1) is None
    assert TIMELINES.picture(columns, 2).startswith("<svg")
    assert TIMELINES.picture(replace(columns, present=np.zeros(3, bool)), 2) is None


def test_long_histories_are_told_in_days_and_stay_small():
    generator = np.random.default_rng(0)
    times = np.sort(-np.concatenate([generator.random(100_000) * 30, generator.random(2000) * 7000]))
    cases = [[(float(t), f"c{at % 40}", None) for at, t in enumerate(times)]]
    svg, _, texts = drawn(columns_of(cases), 0, layers={"attribution": generator.normal(size=(len(times), 2))})
    assert len(svg) < 400_000
    assert [t for t in texts if t.endswith(" d")]
    assert not [t for t in texts if t.endswith(" h")]


def test_a_day_and_less_of_a_long_history_is_told_in_hours():
    times = [-30.0, *[-n / 24 for n in range(40, 0, -1)]]
    texts = drawn(columns_of([[(t, "HR", 80.0) for t in times]]), 0)[2]
    told = [t for t in texts if t.startswith("−")]
    assert told
    assert all(re.fullmatch(r"−\d+ [dh]", t) for t in told), told


def test_what_events_add_is_laid_on_the_last_of_them():
    pairs = np.array([[1.0, 0.5], [2.0, 0.5]])
    assert aligned(pairs, 2).tolist() == [1.5, 2.5]
    assert aligned(np.concatenate([pairs, np.zeros((3, 2))]), 2).tolist() == [1.5, 2.5]
    assert aligned(pairs, 4).tolist() == [0.0, 0.0, 1.5, 2.5]
    assert aligned(pairs[:, 0], 2).tolist() == [1.0, 2.0]


def test_a_loaded_bundle_names_codes_by_its_state(stays):
    columns, state, _ = stays
    bare = Columns(columns.fields, columns.arrays, columns.present, columns.fingerprints)
    assert drawn(bare, 5, state=state)[2] == drawn(columns, 5, state=state)[2]
