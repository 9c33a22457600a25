"""A code that gives the outcome away is found among the events; real stays raise no alarm."""

import numpy as np
import pytest

from osler.core.registry import task
from osler.core.split import Split
from osler.modalities.timelines import Timelines
from osler.spine.leaks.columns import columns_that_tell
from tests.unit.modalities.timelines.stays import columns_from, columns_of, physionet

TIMELINES = Timelines()


@pytest.fixture(scope="module")
def stays(data):
    return physionet(data, most=1500)


def found(columns, died):
    target, _ = task("classification").target({"died": died})
    rows, nothing = np.arange(len(columns)), np.empty(0, np.int64)
    split = Split(rows, nothing, nothing, nothing, (), "")
    leaks = columns_that_tell(
        modalities={"events": TIMELINES}, columns={"events": columns}, split=split, outcomes=task("classification").outcomes(target),
        groups=None,
    )  # fmt: skip
    return {(leak.column, leak.severity) for leak in leaks}


def with_events(columns, planted):
    """Return the columns with one more event of some cases: row to (days, code, value)."""
    cases, texts = [], dict(zip(columns.words.keys.tolist(), columns.words.texts, strict=True))
    for row in range(len(columns)):
        own = [
            (t, texts[c], v) for t, c, v in zip(*(columns[n][row].tolist() for n in ("times", "codes", "values")), strict=True)
        ]
        cases.append(sorted([*own, *([planted[row]] if row in planted else [])], key=lambda e: e[0]))
    flat = [e for case in cases for e in case]
    return columns_from([len(c) for c in cases], *zip(*flat, strict=True))


def test_real_stays_raise_no_alarm(stays):
    assert found(*stays) == set()


def test_the_code_of_a_death_is_found(stays):
    columns, died = stays
    planted = dict.fromkeys(np.flatnonzero(died), (-0.01, "DEATH", np.nan))
    assert ("DEATH", "stop") in found(with_events(columns, planted), died)


def test_a_value_that_is_written_down_afterwards_is_found(stays):
    columns, died = stays
    generator = np.random.default_rng(0)
    planted = {row: (-0.5, "SCORE", died[row] + generator.normal(0, 0.1)) for row in range(len(died))}
    assert found(with_events(columns, planted), died) == {("SCORE", "stop")}


def test_facts_are_the_last_value_and_whether_a_code_occurred():
    bad = np.array([0x7FC00001], np.uint32).view(np.float32)[0]
    cases = [[(-2.0, "lab", 1.0), (-1.0, "lab", 3.0), (-0.5, "lab", bad), (-3.0, "drug", None)], [(-1.0, "lab", 2.0)], [], None]
    columns = columns_of(cases * 5)
    rows = np.array([3, 0, 1, 2])
    told = {
        name: line
        for c in TIMELINES.clues(columns, np.tile(rows, 5))
        for name, line in zip(c.names, c.values[:, :4], strict=True)
    }
    np.testing.assert_array_equal(told["events"], [0, 4, 1, 0])
    np.testing.assert_array_equal(told["days since the last event"], [np.nan, 0.5, 1.0, np.nan])
    np.testing.assert_array_equal(told["lab"], [np.nan, 3.0, 2.0, np.nan])
    np.testing.assert_array_equal(told["drug"], [0, 1, 0, 0])
    assert list(TIMELINES.clues(columns, np.empty(0, np.int64))) == []


def test_an_age_is_not_the_last_event():
    columns = columns_of([[(-2.0, "pulse", 80.0), (0.0, "age", 60.0)]] * 6)
    whole = next(TIMELINES.clues(columns, np.arange(6)))
    assert whole.values.tolist() == [[1.0] * 6, [2.0] * 6]
