"""Options and reading decisions: what the user may say, units turned into one, impossible values told."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from osler.core.errors import StudyError
from osler.core.hashing import word_hash
from osler.modalities.timelines.case import CODES, IMPOSSIBLE, VALUES
from osler.modalities.timelines.read import long as long_tables
from osler.modalities.timelines.read import prepared
from osler.modalities.timelines.read.decide import OTHERS
from osler.modalities.timelines.read.options import OWN, checked
from tests.unit.modalities.timelines.conftest import INPUT, listed

WHO = [f"p{i}" for i in range(12)]


def long(rows):
    return "who,hours,code,value,unit\n" + "".join(f"{','.join(map(str, r))}\n" for r in rows)


def test_all_faults_of_the_options_are_told_together():
    wrong = {"sourse": "x", "kind": "fihr", "names": {"kode": "c", "value": 3}, "clock": "hour", "zone": "Mars", "after": "30m",
             "window": "0h", "limits": {"pH": [8, 6]}}  # fmt: skip
    with pytest.raises(StudyError) as error:
        checked(wrong)
    assert len(error.value.faults) == 9
    for part in ("did you mean 'source'", "did you mean 'fhir'", "did you mean 'code'", "'value' must be the name of a column", "did you mean 'hours'",
                 "no time zone 'Mars'", "minutes or months", "a window of no length", "'pH' must have a lower and a higher number"):  # fmt: skip
        assert part in str(error.value), part


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": 3}, "source: wanted the path"), ({"names": "x"}, "names: wanted columns by part"), ({"limits": "all"}, "limits: wanted 'none'"),
        ({"limits": {"pH": [1]}}, "'pH' must have a lower"), ({"limits": {"pH": ["a", "b"]}}, "'pH' must have a lower"), ({"window": 3}, "3 is no duration"),
    ],
)  # fmt: skip
def test_a_fault_says_what_was_wanted(options, message):
    with pytest.raises(StudyError, match=message):
        checked(options)


def test_one_code_in_several_units_is_brought_to_the_most_frequent(ward):
    rows = [(w, 1, "Glucose", 90, "mg/dL") for w in WHO[:7]] + [(w, 1, "Glucose", 5, "mmol/L") for w in WHO[7:]]
    rows += [(WHO[0], 2, "Glucose", 100, ""), (WHO[0], 3, "Glucose", 120, "MG/DL"), (WHO[0], 4, "Glucose", 7, "widgets")]
    ward.events(long(rows))
    locators = ward.locate({"who": WHO})
    reading = ward.reading(locators)
    assert reading["units"] == {"Glucose": "mg/dL"}
    assert reading["converted"] == {"Glucose": {"mmol/L": 5}}
    assert reading["apart"] == {OTHERS: 1}
    assert reading["unitless"] == {"Glucose": 1}
    cases = listed(ward.modality.shard(locators, reading=reading, roles=INPUT))
    assert [(c, v) for _, c, v in cases[0]] == [("Glucose", 90), ("Glucose", 100), ("Glucose", 120), ("Glucose [widgets]", 7)]
    assert cases[11][0][2] == pytest.approx(90.078, rel=1e-5)


def test_a_new_source_in_another_unit_is_brought_to_the_unit_of_the_plan(ward):
    ward.events(long([(w, 1, "Glucose", 90, "mg/dL") for w in WHO]))
    reading = ward.reading(ward.locate({"who": WHO}))
    ward.events(
        long([(w, 1, "Glucose", 5, "mmol/L") for w in WHO] + [("p0", 2, "Glucose", 5, ""), ("p0", 3, "Glucose", 5, "widgets")])
    )
    cases = listed(ward.modality.shard(ward.locate({"who": ["p0"]}), reading=reading, roles=INPUT))
    assert [(c, v) for _, c, v in cases[0]] == [
        ("Glucose", pytest.approx(90.078, rel=1e-5)),
        ("Glucose", 5),
        ("Glucose [widgets]", 5),
    ]


def test_the_user_may_set_units_and_limits_and_a_whole_plan_may_be_given_back(ward):
    rows = [(w, 1, "Glucose", 90, "mg/dL") for w in WHO] + [("p0", 2, "Glucose", 40_000, "mg/dL"), ("p0", 3, "K", 4, "mmol/L")]
    ward.events(long(rows))
    locators = ward.locate({"who": ["p0"]})
    reading = ward.reading(locators, units={"Glucose": "mmol/L"})
    assert reading["units"] == {"Glucose": "mmol/L", "K": "mmol/L"}
    assert reading["converted"] == {"Glucose": {"mg/dL": 13}}
    assert reading["masked"] == {"Glucose": 1}
    values = ward.modality.shard(locators, reading=reading, roles=INPUT)[VALUES].values
    assert values[0] == pytest.approx(4.9957, rel=1e-4)
    with pytest.raises(StudyError, match=r"units: no event has the code 'glucose'; did you mean 'Glucose'\?"):
        ward.reading(locators, units={"glucose": "mmol/L"})
    with pytest.raises(StudyError, match="units: wanted by code the unit"):
        ward.reading(locators, units={"Glucose": 3})
    given = json.loads(json.dumps(reading))
    assert ward.reading(locators, **given) == reading
    ward.events(long(rows[:-1]))  # another source, which lacks a code of the plan
    assert ward.reading(ward.locate({"who": ["p0"]}), **given)["units"] == reading["units"]


def test_a_ph_of_70_is_masked_and_told(ward):
    rows = [(w, i, "pH", 7.3, "") for i, w in enumerate(WHO)] + [("p0", 20, "pH", 70, ""), ("p0", 21, "HR", 80, "")]
    ward.events(long(rows))
    locators = ward.locate({"who": ["p0"]})
    reading = ward.reading(locators)
    assert reading["masked"] == {"pH": 1}
    assert reading["limits"]["pH"] == [6.3, 8.0]
    columns = ward.modality.shard(locators, reading=reading, roles=INPUT)
    at = np.flatnonzero(columns[CODES].values == word_hash("pH"))
    assert columns[VALUES].values[at[0]] == np.float32(7.3)
    assert columns[VALUES].values.view(np.uint32)[at[1]] == IMPOSSIBLE
    assert ward.reading(locators, limits="none")["masked"] == {}
    assert ward.reading(locators, limits={"pH": [7.35, 70]})["masked"] == {"pH": 12}
    assert ward.reading(locators, limits={"HR": [100, 200]})["masked"] == {"HR": 1, "pH": 1}
    with pytest.raises(StudyError, match=r"no event has the code 'ph'; did you mean 'pH'\?"):
        ward.reading(locators, limits={"ph": [6, 8]})


def test_a_converted_value_is_held_to_the_limit_of_its_new_unit_and_another_variable_to_none(ward):
    rows = [(w, 1, "Temperature", 37, "Deg. C") for w in WHO]
    rows += [
        ("p0", 2, "Temperature", 98.6, "Deg. F"),
        ("p0", 3, "Temperature", 98.6, "Deg. C"),
        ("p0", 4, "Temperature", 500, "widgets"),
    ]
    ward.events(long(rows))
    locators = ward.locate({"who": ["p0"]})
    reading = ward.reading(locators)
    assert reading["masked"] == {"Temperature": 1}
    values = ward.modality.shard(locators, reading=reading, roles=INPUT)[VALUES].values
    assert values.tolist() == [37, pytest.approx(37), pytest.approx(np.nan, nan_ok=True), 500]


def test_a_plan_names_no_code_that_few_subjects_share(ward):
    rows = [(w, 1, "Serum thing", 3, "mg/dL") for w in WHO[:5]] + [
        ("p0", 2, "Weight of Ms Smith", 3000, "kg"),
        ("p0", 3, "Weight of Ms Smith", 70, "kg"),
    ]
    rows += [("p0", 2, "Rare thing", 1, "mg/dL"), ("p0", 2, "Rare thing", 1, "mmol/L")]
    ward.events(long(rows))
    locators = ward.locate({"who": WHO})
    said = json.dumps([[d.name, d.value, d.reason] for d in ward.modality.reading(locators, settings={})])
    assert "Serum thing" in said
    assert "Smith" not in said
    assert "Rare" not in said


def test_decisions_say_where_they_are_from_and_are_bounded(ward):
    n = 100_000
    code, who = np.arange(n), np.arange(n) % 12
    often = np.arange(6 * 6000)  # 6,000 of the codes come with six subjects more
    code, who = np.concatenate([code, often % 6000]), np.concatenate([who, (often + often // 6000) % 12])
    columns = {"who": np.array(WHO)[who], "hours": np.arange(len(code)) / 60, "code": np.char.add("code", code.astype(str))}
    ward.parquet(
        {name: pa.array(cells) for name, cells in columns.items()} | {"value": [1.0] * len(code), "unit": ["mg"] * len(code)}
    )
    decisions = ward.modality.reading(ward.locate({"who": WHO}), settings={"window": "2d"})
    assert len(json.dumps([d.value for d in decisions])) < 200_000
    assert {d.name: d.source for d in decisions}["window"] == "user"
    assert all(d.reason for d in decisions)
    value = {d.name: d.value for d in decisions}
    assert len(value["units"]) == 5000
    assert (value["events"]["events"], value["events"]["codes"], value["events"]["kind"]) == (len(code), n, "long")


def test_every_option_is_documented():
    text = (Path(__file__).resolve().parents[4] / "docs/reference/timelines.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)) == {*OWN, *long_tables.OPTIONS}


# where the events are ----------------------------------------------------------------------------------------------------


def test_events_beside_the_table_are_found_by_their_usual_name(ward):
    with pytest.raises(StudyError, match="no events lie beside the study's table"):
        ward.locate({"who": ["a"]})
    ward.events(long([("a", 1, "K", 1, "")]), name="events.tsv.gz".removesuffix(".gz").replace("tsv", "csv"))
    assert ward.cases({"who": ["a"]}) == [[(0, "K", 1)]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("../elsewhere.csv", "source: the path leaves the table's folder; put the events beside"),
        ("evnts.csv", r"source: there is no 'evnts.csv'; did you mean 'events.csv'\?"),
        ("notes.pdf", "source: 'notes.pdf' is no source of events that is known"),
    ],
)
def test_a_source_that_cannot_be_is_told(ward, given, message):
    ward.events(long([("a", 1, "K", 1, "")]))
    ward.events(b"%PDF", name="notes.pdf")
    ward.events("who,hours,code\n", name="../elsewhere.csv")
    with pytest.raises(StudyError, match=message):
        ward.locate({"who": ["a"]}, source=given)


def test_an_absolute_path_is_read_and_does_not_travel(ward, tmp_path_factory):
    away = tmp_path_factory.mktemp("away") / "e.csv"
    away.write_text(long([("a", 1, "K", 1, "")]))
    assert ward.cases({"who": ["a"]}, source=str(away)) == [[(0, "K", 1)]]
    public = ward.modality.public
    assert public({"source": str(away), "window": "2d"}) == {"window": "2d"}
    for private in ("postgresql://me:word@host/base", "~/events.csv", "C:\\events.csv", "\\\\host\\share", "/e.csv"):
        assert public({"source": private}) == {}
    assert public({"source": "events.csv", "names": {"code": "x"}}) == {"source": "events.csv", "names": {"code": "x"}}


def test_the_columns_of_the_table_are_checked(ward):
    ward.events(long([("a", 1, "K", 1, "")]))
    table = {"who": ["a"], "when": ["1"], "more": [1]}
    with pytest.raises(StudyError, match="at most one index time; 3 columns came"):
        ward.locate(table)
    dated = "who,time,code\na,2024-01-01,K\n"
    ward.events(dated)
    with pytest.raises(StudyError, match="the events have dates, so a case needs an index time"):
        ward.locate({"who": ["a"]})


def test_slices_of_locators_are_locators_and_their_digest_tells_what_they_hold(ward):
    ward.events("who,time,code\na,2024-01-01,K\n")
    table = {"who": ["a", "b", "a", "a"], "when": ["2024-01-02", "2024-01-02", "2024-01-02", "2024-01-03"]}
    locators = ward.locate(table)
    digest = lambda part: ward.modality.digest(part, file_digest=lambda _: pytest.fail("no file is asked"))  # noqa: E731
    assert len(locators) == 4
    assert len(locators[1:3]) == 2
    assert digest(locators[0]) == digest(locators[2])
    assert len({digest(locators[i]) for i in range(4)}) == 3
    ward.events("who,time,code\na,2024-01-01,L\n")
    assert digest(ward.locate(table)) != digest(locators)


def test_a_worker_gets_its_own_rows_alone_and_makes_the_same_columns(ward):
    ward.events("who,time,code\na,2024-01-01,K\nb,2024-01-01,L\n")
    n = 10_000
    locators = ward.locate({"who": ["a", "b"] * (n // 2), "when": ["2024-01-02", "soon"] * (n // 2)})
    piece = locators[4001:4011]
    sent = pickle.dumps(piece)
    assert len(sent) < 3000
    reading = ward.reading(locators)
    there, here = (ward.modality.shard(rows, reading=reading, roles=INPUT) for rows in (pickle.loads(sent), piece))
    assert there.fingerprints.tolist() == here.fingerprints.tolist()
    assert there.refusals == here.refusals
    assert sorted(here.refusals) == [0, 2, 4, 6, 8]
    assert ward.modality.digest(pickle.loads(sent), file_digest=str) == ward.modality.digest(piece, file_digest=str)


def test_subjects_of_any_type_meet_their_events(ward):
    ward.events("who,hours,code\n12,1,K\n007,1,L\n")
    assert ward.cases({"who": [12, 13]}) == [[(0, "K", pytest.approx(np.nan, nan_ok=True))], None]
    assert ward.cases({"who": [12.0, None]})[0] is not None
    assert [c and c[0][1] for c in ward.cases({"who": [" 12 ", "007", "7"]})] == ["K", "L", None]


def test_the_key_column_is_the_surest_name_of_the_events_subject(ward):
    ward.events("subject_id,stay,hours,code\n1,9,1,K\n")
    store = prepared({}, folder=ward.folder, cache=ward.folder / "cache", key="stay")
    assert store.about["names"] == {"subject": "stay", "time": "hours", "code": "code"}


def test_a_unit_that_fewer_than_five_subjects_have_is_counted_and_not_named(ward):
    """A unit is free text in many tables: one patient's may hold a name."""
    rows = [(w, 1, "HR", 80, "bpm") for w in WHO] + [(w, 2, "HR", 80, "per turn") for w in WHO[:5]]
    rows += [(WHO[0], 3, "HR", 80, "Roe-Jane"), (WHO[0], 4, "HR", 80, "/min{Roe-Jane}"), (WHO[0], 5, "Dose", 3, "Roe-Jane")]
    rows += [(w, 6, "Dose", 3, "") for w in WHO]
    ward.events(long(rows))
    locators = ward.locate({"who": WHO})
    reading = ward.reading(locators)
    assert reading["units"] == {"HR": "bpm"}
    assert reading["apart"] == {"HR [per turn]": 5, OTHERS: 1}
    assert "Roe" not in json.dumps(reading)
