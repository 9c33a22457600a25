"""From events to columns: nothing after the prediction time, and the same case by case as many at once."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osler.core.errors import Refused
from osler.core.hashing import word_hash
from osler.modalities.timelines import encode
from osler.modalities.timelines.case import AGE, CODES, IMPOSSIBLE, TIMES, VALUES
from osler.modalities.timelines.encode import fields
from tests.unit.modalities.timelines.conftest import INPUT, Ward, listed

NAN = pytest.approx(np.nan, nan_ok=True)
START = dt.datetime(2024, 1, 31, 10, tzinfo=dt.UTC)


def at(hours=0.0, micro=0):
    return (START + dt.timedelta(hours=hours, microseconds=micro)).isoformat()


def test_an_event_after_the_prediction_time_never_reaches_the_columns(ward):
    """The planted event is a day, a second or one microsecond late; one at the very time is known."""
    late = [("day", at(24)), ("second", at(0, 1_000_000)), ("microsecond", at(0, 1))]
    ward.events(
        f"who,time,code,value\na,{at(-1)},HR,80\na,{at()},on time,1\n"
        + "".join(f"a,{when},planted {name},1\n" for name, when in late)
    )
    columns = ward.columns({"who": ["a"], "when": [at()]})
    assert listed(columns) == [[(pytest.approx(-1 / 24), "HR", 80), (0, "on time", 1)]]
    assert not {word_hash(f"planted {name}") for name, _ in late} & set(columns[CODES].values.tolist())
    assert not any("planted" in text for text in columns.words.texts)
    wider = ward.cases({"who": ["a"], "when": [at(0, 1)]})
    assert [code for _, code, _ in wider[0]] == ["HR", "on time", "planted microsecond"]


def test_a_planted_value_does_not_change_a_single_byte(ward):
    rows = f"who,time,code,value\na,{at(-1)},HR,80\nb,{at(-2)},HR,70\n"
    ward.events(rows)
    table = {"who": ["a", "b"], "when": [at(), at()]}
    locators = ward.locate(table)
    reading = ward.reading(locators)
    before = ward.modality.shard(locators, reading=reading, roles=INPUT)
    ward.events(rows + f"a,{at(1)},HR,999\na,{at(2)},death,\nb,{at(0, 1)},HR,1\n")
    after = ward.modality.shard(ward.locate(table), reading=reading, roles=INPUT)
    for name in (TIMES, CODES, VALUES):
        assert before[name].values.tobytes() == after[name].values.tobytes()
        assert before[name].offsets.tolist() == after[name].offsets.tolist()
    assert before.fingerprints.tolist() == after.fingerprints.tolist()


@pytest.mark.parametrize(("after", "seen"), [("0h", 1), ("1h", 2), ("90min", 2), ("2d", 3)])
def test_after_moves_the_prediction_time_of_dated_events(ward, after, seen):
    ward.events(f"who,time,code,value\na,{at()},A,1\na,{at(1)},B,2\na,{at(48)},C,3\n")
    assert len(ward.cases({"who": ["a"], "when": [at()]}, after=after)[0]) == seen


def test_after_counts_from_the_cases_own_start_where_the_times_do(ward):
    ward.events("who,Time,Parameter,Value\na,00:00,A,1\na,47:59,B,2\na,48:00,C,3\na,48:01,D,4\n")
    assert [e[1] for e in ward.cases({"who": ["a"]}, after="48h")[0]] == ["A", "B", "C"]
    last = ward.cases({"who": ["a"]})[0]
    assert last[0] == (pytest.approx(-(48 * 60 + 1) / 1440), "A", 1)
    assert last[-1] == (0, "D", 4)


def test_a_relative_source_may_have_an_index_time_of_its_kind(ward):
    ward.events("who,Time,Parameter,Value\na,00:00,A,1\na,10:00,B,2\n")
    assert ward.cases({"who": ["a", "a"], "when": ["09:59", "10:00"]}) == [
        [(pytest.approx(-599 / 1440), "A", 1)],
        [(pytest.approx(-600 / 1440), "A", 1), (0, "B", 2)],
    ]


@pytest.mark.parametrize(("window", "codes"), [("1h", "CD"), ("2h", "BCD"), ("119min", "CD"), ("3d", "ABCD"), ("", "ABCD")])
def test_the_window_holds_what_is_at_most_so_long_ago(ward, window, codes):
    ward.events(f"who,time,code,value\na,{at(-3)},A,1\na,{at(-2)},B,1\na,{at(-1)},C,1\na,{at()},D,1\n")
    assert "".join(e[1] for e in ward.cases({"who": ["a"], "when": [at()]}, window=window)[0]) == codes


def test_birth_becomes_age_even_from_outside_the_window(ward):
    ward.events(
        f"who,time,code,value\na,1960-01-31 04:00,birth,\na,{at(-1)},HR,80\nb,2030-01-01,birth,\nb,{at(-1)},HR,1\nc,1960-01-01,birth,\n"
    )
    cases = ward.cases({"who": ["a", "b", "c"], "when": [at()] * 3}, window="2h")
    assert cases[0] == [(pytest.approx(-1 / 24), "HR", 80), (0, AGE, pytest.approx(64.0, abs=0.01))]
    assert [e[1] for e in cases[1]] == ["HR"]  # born later: not known yet
    assert [e[1] for e in cases[2]] == [AGE]


def test_an_age_that_cannot_be_is_masked(ward):
    """MIMIC moves the birth of patients over 89 so that they are 300."""
    ward.events(f"who,time,code,value\na,1724-01-31,birth,\na,{at(-1)},HR,80\n")
    columns = ward.columns({"who": ["a"], "when": [at()]})
    assert columns[VALUES].values.view(np.uint32)[1] == IMPOSSIBLE


def test_what_is_known_at_any_time_stands_with_the_first_event(ward):
    ward.events(f"who,time,code,value\na,,sex,F\na,{at(-3)},A,1\na,{at(-1)},B,1\nb,,sex,M\nc,,sex,F\nc,{at(5)},A,1\n")
    table = {"who": ["a", "b", "c"], "when": [at()] * 3}
    assert ward.cases(table)[0] == [(-0.125, "sex//F", NAN), (-0.125, "A", 1), (pytest.approx(-1 / 24), "B", 1)]
    assert ward.cases(table, window="2h")[0][0] == (pytest.approx(-1 / 24), "sex//F", NAN)
    assert ward.cases(table)[1:] == [[(0, "sex//M", NAN)], [(0, "sex//F", NAN)]]
    assert ward.cases({"who": ["d"], "when": [at()]}) == [None]


def test_timeless_events_alone_make_a_relative_case_at_time_0(ward):
    ward.events("who,Time,Parameter,Value\na,,sex,F\nb,00:10,A,1\n")
    assert ward.cases({"who": ["a", "b"]}) == [[(0, "sex//F", NAN)], [(0, "A", 1)]]


def test_cases_without_events_and_events_without_cases(ward):
    ward.events(f"who,time,code,value\na,{at(-1)},HR,80\nz,{at(-1)},HR,80\nlate,{at(1)},HR,80\n")
    columns = ward.columns({"who": ["a", "nobody", None, "late", "a"], "when": [at()] * 5})
    assert columns.present.tolist() == [True, False, False, False, True]
    assert columns.refusals == {}
    assert columns.fingerprints[0].tolist() == columns.fingerprints[4].tolist() != [0, 0]
    assert columns.fingerprints[1:4].tolist() == [[0, 0]] * 3


def test_an_index_time_that_cannot_be_read_refuses_the_row_and_no_other(ward):
    ward.events(f"who,time,code,value\na,{at(-1)},HR,80\n")
    locators = ward.locate({"who": ["a"] * 4, "when": [at(), "soon", None, "10:00"]})
    columns = ward.modality.shard(locators, reading=ward.reading(locators), roles=INPUT)
    assert columns.present.tolist() == [True, False, False, False]
    assert {row: (r.code, r.column) for row, r in columns.refusals.items()} == dict.fromkeys((1, 2, 3), ("moment", "when"))
    assert "cannot be read" in columns.refusals[1].sentence
    assert "missing" in columns.refusals[2].sentence
    assert "has a date" in columns.refusals[3].sentence
    assert "soon" not in str(columns.refusals)
    with pytest.raises(Refused, match="the index time is missing"):
        ward.modality.read(locators[2], reading=ward.reading(locators))
    part = ward.modality.shard(locators[2:4], reading=ward.reading(locators), roles=INPUT)
    assert sorted(part.refusals) == [0, 1]


def test_only_the_fields_of_the_asked_roles_are_made(ward):
    ward.events(f"who,time,code,value\na,{at(-1)},HR,80\n")
    locators = ward.locate({"who": ["a"], "when": [at()]})
    assert ward.modality.shard(locators, reading=ward.reading(locators), roles=frozenset({"target"})).arrays == {}
    assert [f.name for f in fields()] == [TIMES, CODES, VALUES]


def test_a_fingerprint_tells_two_cases_whose_values_changed_places(ward):
    lines = ["who,Time,Parameter,Value", "a,00:01,A,1", "a,00:02,B,2", "b,00:01,A,2", "b,00:02,B,1", "c,00:02,B,2", "c,00:01,A,1"]
    ward.events("\n".join([*lines, "d,00:01,B,2", "d,00:02,A,1"]))
    prints = [tuple(p) for p in ward.columns({"who": list("abcd")}).fingerprints.tolist()]
    assert prints[0] == prints[2]
    assert len(set(prints)) == 3


def test_cases_taken_in_blocks_equal_those_taken_at_once(ward, monkeypatch):
    """Memory is bounded by taking few events at a time, whatever the cases hold."""
    rows = [f"{case},{hour},c{(case * hour) % 7},{hour}" for case in range(30) for hour in range(case % 5 * 9)]
    ward.events("\n".join(["who,hours,code,value", *rows]))
    table = {"who": [*range(30), None, 3], "when": [f"{n}:00" for n in range(30)] + ["1:00", "soon"]}
    whole = ward.columns(table)
    monkeypatch.setattr(encode, "EVENTS", 20)
    taken = []
    kept = encode._part
    monkeypatch.setattr(encode, "_part", lambda *a, **k: taken.append(kept(*a, **k)) or taken[-1])
    blocks = ward.columns(table)
    assert len(taken) > 5
    assert max(len(part[TIMES].values) for part in taken) < 20 + 36
    assert listed(blocks) == listed(whole)
    assert blocks.fingerprints.tolist() == whole.fingerprints.tolist()
    assert blocks.refusals == whole.refusals != {}


# one by one ------------------------------------------------------------------------------------------------------------

EVENT = st.tuples(
    st.sampled_from("abc"),
    st.one_of(st.none(), st.integers(-100, 100)),
    st.sampled_from(["HR", "K", "pH", "birth", "sex"]),
    st.one_of(st.none(), st.sampled_from(["1", "7.2", "70", "-3", "low", "<4"])),
    st.sampled_from(["", "mmol/L", "mEq/L", "widgets"]),
)
ROW = st.tuples(st.sampled_from("abcd"), st.one_of(st.none(), st.integers(-100, 100)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENT, min_size=1, max_size=40), rows=st.lists(ROW, min_size=1, max_size=8), options=st.sampled_from([{}, {"window": "40h"}, {"after": "3h"}]))  # fmt: skip
def test_many_cases_at_once_equal_one_by_one_and_plain_python(tmp_path_factory, events, rows, options):
    ward = Ward(tmp_path_factory.mktemp("ward"))
    lines = [
        f"{who},{'' if hours is None else at(hours)},{code},{value or ''},{unit}" for who, hours, code, value, unit in events
    ]
    ward.events("\n".join(["who,time,code,value,unit", f"x,{at()},HR,1,", *lines]))
    locators = ward.locate({"who": [r[0] for r in rows], "when": [None if r[1] is None else at(r[1]) for r in rows]}, **options)
    reading = ward.reading(locators, **options)
    columns = ward.modality.shard(locators, reading=reading, roles=INPUT)
    for row in range(len(rows)):
        one = ward.modality.shard(locators[row : row + 1], reading=reading, roles=INPUT)
        for name in (TIMES, CODES, VALUES):
            assert one[name].values.tobytes() == columns[name][row].tobytes()
        assert one.fingerprints[0].tolist() == columns.fingerprints[row].tolist()
        if columns.present[row]:
            case = ward.modality.read(locators[row], reading=reading)
            encoded = ward.modality.encode(case, reading=reading, roles=INPUT)
            for name in (TIMES, CODES, VALUES):
                assert encoded[name].tobytes() == columns[name][row].tobytes()
            assert ward.modality.fingerprint(case) == tuple(columns.fingerprints[row].tolist())
    assert (columns[TIMES].values <= 0).all()
    _as_plain_python(events, rows, columns, after=3 if "after" in options else 0, window=40 if "window" in options else None)


def _as_plain_python(events, rows, columns, *, after, window):
    """Compare how many events each case has with a loop over all of them."""
    for row, (who, moment) in enumerate(rows):
        seen = set()
        for subject, hours, code, value, unit in events:
            until = None if moment is None else moment + after
            if subject != who or until is None or (code == "birth" and hours is None):
                continue
            if hours is not None and (hours > until or (window is not None and code != "birth" and hours < until - window)):
                continue
            number = {"1": 1, "7.2": 7.2, "70": 70, "-3": -3, "<4": 4}.get(value)
            word = value if number is None else None
            seen.add((AGE,) if code == "birth" else (hours, code, number, word, unit if number is not None else ""))
        assert len(columns[TIMES][row]) == len(seen)


def test_a_number_too_large_in_a_unit_of_its_own_is_masked(ward):
    rows = "".join(f"s{n},{at(-1)},Glucose,90,mg/dL\n" for n in range(6))
    ward.events(f"who,time,code,value,unit\n{rows}a,{at(-2)},Glucose,1e400,furlong\n")
    columns = ward.columns({"who": ["a"], "when": [at()]})
    assert columns[VALUES].values.view(np.uint32).tolist() == [IMPOSSIBLE]
