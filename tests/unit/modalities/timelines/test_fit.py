"""What is learned is right, and holds nothing that fewer than five patients share."""

import numpy as np
import pytest

from osler.modalities.timelines.fit import fit, places
from osler.modalities.timelines.fit.scales import DRAWN
from tests.unit.modalities.timelines.stays import columns_of, physionet


def fitted(columns, rows=None, *, groups=None, **plan):
    rows = np.arange(len(columns)) if rows is None else rows
    return fit(columns, rows, groups=np.arange(len(columns)) if groups is None else groups, plan=plan)


def by_name(state, array):
    return dict(zip(state.values["names"], state.arrays[array].tolist(), strict=True))


@pytest.fixture(scope="module")
def stays(data):
    return physionet(data, most=150)[0]


def values_of(columns, rows, name):
    """Return the values of one code by a loop over cases."""
    key = next(k for k, text in zip(columns.words.keys, columns.words.texts, strict=True) if text == name)
    found = [columns["values"][row][columns["codes"][row] == key] for row in rows]
    return [v[~np.isnan(v)].astype(float) for v in found]


def test_scales_are_quantiles_of_real_stays(stays):
    rows = np.arange(0, 150, 2)
    state = fitted(stays, rows)
    for name in ("Creatinine", "Platelets", "Na", "K"):
        cases = values_of(stays, rows, name)
        assert max(len(v) for v in cases) <= DRAWN
        values = np.concatenate(cases)
        low, first, middle, third, high = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
        step = 10 ** (np.floor(np.log10(high - low)) - 2)
        assert abs(by_name(state, "center")[name] - middle) <= 0.51 * step
        assert abs(by_name(state, "scale")[name] - (third - first) / 1.349) <= 0.51 * step
        assert by_name(state, "share")[name] == pytest.approx(np.mean([len(v) > 0 for v in cases]), abs=1e-4)
    assert by_name(state, "numeric")["HR"] == 1


def test_five_patients_lie_at_or_beyond_each_limit(stays):
    rows = np.arange(150)
    state = fitted(stays, rows)
    for name in state.values["names"]:
        cases = [v for v in values_of(stays, rows, name) if len(v)]
        low, high = by_name(state, "low")[name], by_name(state, "high")[name]
        slack = 1e-5 * max(abs(low), abs(high))
        step = by_name(state, "scale")[name]  # limits are rounded outwards by less than a tenth of the scale
        assert sum(v.min() <= low + slack + step / 2 for v in cases) >= 5
        assert sum(v.max() >= high - slack - step / 2 for v in cases) >= 5


def test_a_code_is_known_when_five_groups_share_it():
    cases = [[(-1.0, "common", 1.0), *([(-0.5, "rare", 2.0)] if row < 5 else [])] for row in range(20)]
    columns = columns_of(cases)
    assert fitted(columns).values["names"].count("rare") == 1
    assert "rare" not in fitted(columns, groups=np.repeat(np.arange(10), 2)).values["names"]
    assert "rare" not in fitted(columns, np.arange(1, 20)).values["names"]


def test_the_most_frequent_codes_are_kept_in_the_order_of_their_hashes():
    cases = [[(-1.0, f"c{at}", None) for at in range(row + 1)] for row in range(30)]
    state = fitted(columns_of(cases), vocabulary=7)
    assert sorted(state.values["names"]) == [f"c{at}" for at in range(7)]
    assert (np.diff(state.arrays["codes"]) > 0).all()
    assert state.arrays["codes"].dtype == np.int64


def test_places_find_each_event_in_the_vocabulary():
    columns = columns_of([[(-1.0, "known", 1.0), (-0.5, "alone", 1.0)], *[[(-1.0, "known", 2.0)]] * 5])
    state = fitted(columns)
    found = places(columns["codes"].values, state)
    assert [state.values["names"][p] if p < 1 else None for p in found] == ["known", None, *["known"] * 5]
    assert places(columns["codes"].values, fitted(columns, vocabulary=0)).tolist() == [0] * 7


def test_a_code_with_a_value_in_most_events_is_numeric():
    cases = [[(-2.0, "half", 1.0), (-1.0, "half", None), (-2.0, "third", 1.0), (-1.5, "third", None), (-1, "third", None)]] * 6
    numeric = by_name(fitted(columns_of(cases)), "numeric")
    assert numeric == {"half": 1, "third": 0}


def test_values_of_four_patients_leave_no_trace():
    cases = [[(-1.0, "lab", 123.0 + row if row < 4 else None)] for row in range(9)]
    state = fitted(columns_of(cases))
    found = [by_name(state, name)["lab"] for name in ("numeric", "center", "scale", "low", "high")]
    assert found == [0, 0, 1, 0, 0]


def test_one_patient_with_most_of_the_events_does_not_move_the_scale():
    generator = np.random.default_rng(0)
    others = [[(-1.0, "lab", 100.0 + generator.normal())] for _ in range(20)]
    many = [(-float(t), "lab", 9000.0) for t in np.linspace(0, 2, 100_000)]
    state = fitted(columns_of([many, *others]))
    assert 99 <= by_name(state, "center")["lab"] <= 101
    assert by_name(state, "scale")["lab"] < 3


def test_numbers_lie_on_a_grid_of_three_digits(stays):
    state = fitted(stays)
    for name in ("center", "scale", "low", "high"):
        for value, wide in zip(state.arrays[name], state.arrays["scale"], strict=True):
            step = 10 ** (np.floor(np.log10(wide)) - 2)
            assert abs(value / step - round(value / step)) < 1e-3 * max(1, abs(value / step))


def test_the_order_of_cases_makes_no_difference(stays):
    forward, back = fitted(stays), fitted(stays, np.arange(150)[::-1])
    for name, array in forward.arrays.items():
        np.testing.assert_array_equal(array, back.arrays[name])


def test_reach_is_that_of_the_events():
    cases = [[(-10.0 if row < 9 else -1000.0, "a", 1.0), (-9.75, "b", 1.0), (0.0, "c", 1.0)] for row in range(10)]
    state = fitted(columns_of(cases))
    assert state.arrays["horizon"].dtype == np.float32
    assert (float(state.arrays["horizon"]), float(state.arrays["step"])) == (10.0, 9.75)
    even = [[(-30.0, "a", 1.0), (-29.5, "a", 1.0), (-29.0, "a", 1.0)]] * 8
    state = fitted(columns_of(even))
    assert (float(state.arrays["horizon"]), float(state.arrays["step"])) == (30.0, 0.5)


def test_the_times_of_one_patient_are_no_reach():
    cases = [[(-0.123 * at, "a", 1.0) for at in range(20)] if row == 0 else [(-1.0, "a", 1.0)] for row in range(9)]
    state = fitted(columns_of(cases))
    assert (float(state.arrays["horizon"]), float(state.arrays["step"])) == (1.0, np.float32(1 / 24))


def test_nothing_at_all_gives_an_empty_vocabulary_that_serves():
    for cases in ([None, None], [[], []], [[(0.0, "a", 1.0)]]):
        columns = columns_of(cases)
        state = fitted(columns)
        assert state.values["names"] == []
        assert (float(state.arrays["horizon"]), float(state.arrays["step"])) == (1.0, pytest.approx(1 / 24))
        assert (places(columns["codes"].values, state) == 0).all()


def test_negative_and_positive_values_are_ordered():
    cases = [[(-1.0, "x", v)] for v in (-300.0, -3.0, -2.0, -1.0, -0.0, 1.0, 2.0, 3.0, 300.0)]
    assert by_name(fitted(columns_of(cases)), "center")["x"] == 0.0
    assert by_name(fitted(columns_of(cases[:4] * 3)), "center")["x"] == -2.0
    assert by_name(fitted(columns_of(cases[:4] * 3)), "low")["x"] == -3.0
