"""Summaries are those of the events, of each code and case; absent cases have none."""

import time

import numpy as np
import pytest

from osler.core.columns import Columns, Ragged
from osler.modalities.timelines.baseline import baseline_features
from osler.modalities.timelines.fit import fit
from tests.unit.modalities.timelines.stays import columns_of, physionet


@pytest.fixture(scope="module")
def stays(data):
    columns, _ = physionet(data, most=150)
    return columns, fit(columns, np.arange(150), groups=np.arange(150), plan={})


def by_hand(columns, row, name):
    key = next(k for k, text in zip(columns.words.keys, columns.words.texts, strict=True) if text == name)
    at = (columns["codes"][row] == key) & np.isfinite(columns["values"][row])
    times, values = columns["times"][row][at].astype(float), columns["values"][row][at].astype(float)
    if not len(values):
        return {"count": 0}
    slope = np.polyfit(times, values, 1)[0] if len(set(times)) > 1 else np.nan
    sd = values.std(ddof=1) if len(values) > 1 else np.nan
    return {"last": values[-1], "since": -times[-1], "count": len(values), "first": values[0], "min": values.min(),
            "max": values.max(), "mean": values.mean(), "sd": sd, "slope": slope}  # fmt: skip


def test_summaries_of_real_stays_are_those_by_hand(stays):
    columns, state = stays
    rows = np.array([3, 77, 5, 140])
    found = baseline_features(columns, rows, state=state)
    assert found.matrix.dtype == np.float32
    assert len(set(found.names)) == len(found.names) == found.matrix.shape[1]
    for line, row in enumerate(rows):
        told = dict(zip(found.names, found.matrix[line], strict=True))
        for name in ("HR", "Creatinine", "GCS", "Lactate", "Urine"):
            expected = by_hand(columns, row, name)
            for summary in ("last", "since", "count", "first", "min", "max", "mean", "sd", "slope"):
                wanted = expected.get(summary, np.nan)
                np.testing.assert_allclose(told[f"{name} {summary}"], wanted, rtol=2e-4, atol=2e-3, err_msg=f"{name} {summary}")
        assert told["Age last"] == by_hand(columns, row, "Age")["last"]
        assert "Age slope" not in told  # once in a stay
        assert told["events"] == len(columns["times"][row])
        assert told["times"] == len(np.unique(columns["times"][row]))
        assert told["span"] == pytest.approx(-columns["times"][row].min())


def test_codes_without_numbers_have_how_often_and_how_long_ago():
    cases = [[(-3.0, "drug", None), (-1.0, "drug", None)], [(-2.0, "drug", None)], [(-1.0, "other", None)], [], None]
    columns = columns_of(cases * 5)
    state = fit(columns, np.arange(25), groups=np.arange(25), plan={})
    found = baseline_features(columns, np.arange(5), state=state)
    order = [found.names.index(n) for n in ("drug since", "drug count", "other count", "events", "span")]
    nan = np.nan
    expected = [[1, 2, 0, 2, 3], [2, 1, 0, 1, 2], [nan, 0, 1, 1, 1], [nan, 0, 0, 0, nan], [nan] * 5]
    np.testing.assert_array_equal(found.matrix[:, order], np.array(expected, np.float32))
    assert np.isnan(found.matrix[4]).all()


def test_each_column_belongs_to_its_code_and_counts_of_all_to_the_rest(stays):
    columns, state = stays
    found = baseline_features(columns, np.arange(3), state=state)
    order = np.argsort(-state.arrays["share"], kind="stable")
    features = [*(state.values["names"][at] for at in order), ""]
    for name, owner in zip(found.names, found.owner, strict=True):
        assert features[owner] == (name.rsplit(" ", 1)[0] if " " in name else "")


def test_masked_and_missing_values_are_no_values():
    bad = np.array([0x7FC00001], np.uint32).view(np.float32)[0]
    columns = columns_of([[(-3.0, "pH", 7.4), (-2.0, "pH", None), (-1.0, "pH", bad)]] * 6)
    state = fit(columns, np.arange(6), groups=np.arange(6), plan={})
    assert state.arrays["numeric"].tolist() == [0]  # a third of its events carry a value
    columns = columns_of([[(-3.0, "pH", 7.4), (-2.0, "pH", 7.3), (-1.0, "pH", bad)]] * 6)
    state = fit(columns, np.arange(6), groups=np.arange(6), plan={})
    features = baseline_features(columns, np.arange(6), state=state)
    found = dict(zip(features.names, features.matrix[0], strict=True))
    assert (found["pH last"], found["pH since"], found["pH count"]) == (pytest.approx(7.3), 2.0, 2.0)


def test_a_case_alone_has_what_it_has_among_others(stays):
    columns, state = stays
    whole = baseline_features(columns, np.arange(150), state=state).matrix
    for row in (0, 75, 149):
        np.testing.assert_array_equal(baseline_features(columns, np.array([row]), state=state).matrix[0], whole[row])
    none = baseline_features(columns, np.empty(0, np.int64), state=state)
    assert none.matrix.shape == (0, whole.shape[1])


def test_columns_stay_bounded_and_go_to_the_most_frequent_codes():
    generator = np.random.default_rng(0)
    shares = 1 / (1 + np.arange(600) / 40)
    cases = [
        [e for code in np.flatnonzero(generator.random(600) < shares) for e in ((-2.0, f"n{code}", 1.0), (-1.0, f"n{code}", 2.0))]
        for _ in range(80)
    ]
    columns = columns_of(cases)
    state = fit(columns, np.arange(80), groups=np.arange(80), plan={})
    series, share = state.arrays["series"], state.arrays["share"]
    assert 1900 < series.sum() <= 2000
    assert share[series > 0].min() >= share[series == 0].max()
    assert baseline_features(columns, np.arange(2), state=state).matrix.shape[1] == series.sum() + 3


def test_the_work_grows_with_the_events_and_not_faster(data):
    columns, _ = physionet(data, most=400)
    seconds = []
    for times in (2, 16):
        offsets = np.concatenate([[0], np.cumsum(np.tile(np.diff(columns["times"].offsets), times))])
        arrays = {f.name: Ragged(np.tile(columns[f.name].values, times), offsets) for f in columns.fields}
        rows = np.arange(400 * times)
        many = Columns(columns.fields, arrays, np.ones(len(rows), bool), np.zeros((len(rows), 2), np.int64), {}, columns.words)
        began = time.process_time()
        state = fit(many, rows, groups=rows, plan={})
        baseline_features(many, rows, state=state)
        seconds.append(time.process_time() - began)
    assert seconds[1] < 16 * seconds[0]  # eight times the events


def test_a_slope_too_steep_for_a_number_is_none_without_a_word():
    columns = columns_of([[(-1e-6 * at, "lab", (-1) ** at * 3e38) for at in range(4)]] * 6)
    rows = np.arange(6)
    found = baseline_features(columns, rows, state=fit(columns, rows, groups=rows, plan={}))
    assert np.isnan(found.matrix[:, list(found.names).index("lab slope")]).all()
