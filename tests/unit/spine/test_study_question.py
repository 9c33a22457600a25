"""The key `question` of a study: what it may say, all its faults at once, and what it says of the rest of the study."""

import re
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from osler.core.duration import MOST, UNITS
from osler.core.errors import StudyError
from osler.core.question import Eligible, Flow, FollowUp, Goal, Moment, Question, written
from osler.core.registry import MODALITIES, modality
from osler.core.table import Table
from osler.spine.study import Request, ask, describe, with_question
from osler.spine.study.question import KEYS, parsed

HOUR, DAY = UNITS["h"], UNITS["d"]
FULL = """
index: {event: "admission*"}
which: every 24h
after: 24h
window: 365d
gap: 0
horizon: 30d
target: {event: ["ICD9CM//428*", "death"], name: heart_failure}
eligible: {history: 180d, age: [18, null], event: diabetes, without: [hospice, palliative]}
washout: ever
followup: {event: "discharge*"}
"""
MODALITY = {name: modality(name) for name in MODALITIES}


def asked(text):
    return parsed(yaml.safe_load(text))


def faults(text):
    with pytest.raises(StudyError) as caught:
        asked(text)
    return list(caught.value.faults)


def least(**change):
    """Return the text of the least question, with some of its keys changed."""
    base = {"index": {"event": "admission"}, "horizon": "30d", "target": {"event": "stroke", "name": "stroke"}}
    return yaml.safe_dump({key: value for key, value in (base | change).items() if value is not ...})


def test_everything_that_can_be_said_is_read():
    assert asked(FULL) == Question(
        Moment(("admission*",), which="every", step=DAY), Goal("heart_failure", ("ICD9CM//428*", "death")), 24 * HOUR, 365 * DAY, 0,
        30 * DAY, Eligible(180 * DAY, (18.0, None), ("diabetes",), ("hospice", "palliative")), MOST, FollowUp(("discharge*",)),
    )  # fmt: skip


def test_little_need_be_said():
    assert asked(least()) == Question(Moment(("admission",)), Goal("stroke", ("stroke",)), horizon=30 * DAY)


@pytest.mark.parametrize(
    ("change", "part", "value"),
    [
        ({"which": "last"}, lambda q: q.index.which, "last"),
        ({"which": "every"}, lambda q: (q.index.which, q.index.step), ("every", 0)),
        ({"death": "no"}, lambda q: q.target.death, "no"),
        ({"death": False}, lambda q: q.target.death, "no"),  # YAML reads a bare no so
        ({"followup": "last event"}, lambda q: q.followup, FollowUp()),
        ({"followup": "90d"}, lambda q: q.followup.known, 90 * DAY),
        ({"target": {"value": "k", "above": 5, "name": "k"}}, lambda q: q.target, Goal("k", value=("k",), above=5.0)),
        ({"target": {"value": ["k"], "below": -1.5, "name": "k"}}, lambda q: q.target.below, -1.5),
        ({"target": {"value": "k", "take": "mean", "name": "k"}}, lambda q: q.target.take, "mean"),
        ({"eligible": {"age": [18, 65]}}, lambda q: q.eligible.age, (18.0, 65.0)),
    ],
)
def test_each_form_is_read(change, part, value):
    assert part(asked(least(**change))) == value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"horizn": "30d"}, "question: no key 'horizn'; did you mean 'horizon'?"),
        ({"index": ...}, "question: 'index' is missing"),
        ({"index": "admission"}, "question: index: wanted keys and values (event, column); it is 'admission'"),
        ({"index": {}}, "question: index: wanted one of event, column; it has none of them"),
        ({"index": {"event": "a", "column": "b"}}, "it has event and column"),
        ({"index": {"event": []}}, "question: index: event: wanted a code or a list of codes"),
        ({"index": {"event": [3]}}, "question: index: event: wanted a code or a list of codes"),
        ({"which": "second"}, "question: which: there is first, last, every, and 'every 24h'; what came is 'second'"),
        ({"which": "every 0h"}, "question: which: wanted a span above 0"),
        ({"which": "every day or so"}, "question: which: every: 'day or so' is no duration"),
        ({"which": ["first"]}, "question: which: there is first, last, every"),
        ({"after": "2 months"}, "question: after: '2 months' may be minutes or months"),
        ({"after": 24}, "question: after: 24 is no duration"),
        ({"window": 0}, "question: window: nothing can be seen in a window of 0"),
        ({"horizon": ...}, "question: 'horizon' is missing"),
        ({"horizon": 0}, "question: horizon: nothing can come in a horizon of 0"),
        ({"target": ...}, "question: 'target' is missing"),
        ({"target": {"event": "a"}}, "question: target: 'name' is missing"),
        ({"target": {"event": "a", "name": "1 2"}}, "question: target: name: wanted letters, digits"),
        ({"target": {"event": "a", "name": "subject"}}, "question: target: name: 'subject' is the name of a column of the cases"),
        ({"target": {"event": "a", "name": "a", "above": 3}}, "question: target: 'above' goes with a value, not with 'event'"),
        ({"target": {"value": "a", "name": "a"}}, "question: target: a value needs one of 'above', 'below'"),
        ({"target": {"value": "a", "name": "a", "above": 1, "take": "max"}}, "question: target: a value needs one of"),
        ({"target": {"value": "a", "name": "a", "above": "high"}}, "question: target: above: wanted a number; it is 'high'"),
        (
            {"target": {"value": "a", "name": "a", "take": "median"}},
            "question: target: take: there is first, last, max, min, mean",
        ),
        ({"target": {"column": "died", "name": "x"}}, "question: target: 'name' goes with a value, not with 'column'"),
        ({"target": {"column": "died"}}, "an index event with a target column"),
        ({"index": {"column": "admitted"}}, "question: index: a target from events needs its index from events too"),
        ({"index": {"column": "admitted"}, "which": "last"}, "question: which: a column holds one time per case already"),
        ({"death": "yes"}, "question: death: there is 'censored'"),
        ({"death": "no", "target": {"event": "death*", "name": "died"}}, "question: death: death is the outcome itself"),
        ({"death": "no", "target": {"value": "k", "take": "max", "name": "k"}}, "question: death: the value of one who died"),
        (
            {"washout": "1y", "target": {"value": "k", "take": "max", "name": "k"}},
            "question: washout: it is for an outcome that happens",
        ),
        ({"followup": "20d"}, "question: followup: it ends before the horizon does"),
        ({"followup": 0}, "question: followup: there is 'last event'"),
        ({"followup": {}}, "question: followup: wanted 'event:'"),
        ({"eligible": {"ages": [1, 2]}}, "question: eligible: no key 'ages'; did you mean 'age'?"),
        ({"eligible": {"age": 18}}, "question: eligible: age: wanted the least and the largest age"),
        ({"eligible": {"age": [65, 18]}}, "question: eligible: age: nobody is at least 65 and at most 18"),
        ({"eligible": {"age": [None, None]}}, "question: eligible: age: wanted the least"),
    ],
)
def test_each_fault_is_said(change, message):
    assert any(message in fault for fault in faults(least(**change))), faults(least(**change))


def test_all_faults_are_told_together():
    assert (
        len(faults(least(index={"event": []}, after="soon", which="some", horizn="1d", eligible={"age": 3}, followup=True))) == 6
    )


@pytest.mark.parametrize("raw", [None, [], "x", 3, {1: 2}, {"index": [1], "target": {"event": {}}, "eligible": 3, "death": [1]}])
def test_nonsense_is_refused_and_nothing_else_happens(raw):
    with pytest.raises(StudyError, match="question"):
        parsed(raw)


def test_a_question_comes_back_from_json():
    import json

    for text in (FULL, least(), least(target={"value": "k", "take": "mean", "name": "k"}, eligible={"age": [18, None]})):
        question = asked(text)
        assert Question.from_dict(json.loads(json.dumps(question.to_dict()))) == question
    flow = Flow((("subjects", 3), ("index", 2)), {"censored": 1}, 1, 0)
    assert Flow.from_dict(json.loads(json.dumps(flow.to_dict()))) == flow


@pytest.mark.parametrize("span", [0, 1, HOUR, 36 * HOUR, 3 * DAY, UNITS["y"], MOST, 1_500_000, 90 * UNITS["min"]])
def test_a_written_span_reads_as_the_same(span):
    from osler.core.duration import duration

    assert duration(written(span)) == span


def test_every_key_is_documented():
    text = (Path(__file__).parents[3] / "docs/reference/study.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"`question\.(\w+)`(?=[^|]*\|)", text)) == sorted(KEYS)


# in its study ---------------------------------------------------------------------------------------------------------


def study(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return Request(path)


def question_of(**change):
    return yaml.safe_dump({"question": yaml.safe_load(least(**change))})


def test_a_study_of_events_needs_no_table_and_its_inputs_no_columns(tmp_path):
    found = describe(study(tmp_path, question_of() + "inputs: {stay: {modality: timelines, zone: Europe/Berlin}}"))
    assert found.table == tmp_path
    assert found.inputs["stay"].columns == ("subject", "index")
    (tmp_path / "events").mkdir()
    assert describe(study(tmp_path, question_of() + "table: events")).table == tmp_path / "events"


def test_any_other_study_needs_its_table(tmp_path):
    column = question_of(index={"column": "admitted"}, target={"column": "died"}, horizon=...)
    with pytest.raises(StudyError, match="'table' must be the path of a table"):
        describe(study(tmp_path, column))


def test_the_events_may_not_lie_outside_the_study(tmp_path):
    with pytest.raises(StudyError, match="'table' leaves the folder of the study"):
        describe(study(tmp_path, question_of() + "table: ../elsewhere"))


def test_faults_of_the_question_and_of_the_rest_are_told_together(tmp_path):
    with pytest.raises(StudyError) as caught:
        describe(study(tmp_path, question_of(horizon="soon", target={"event": "a"}) + "budget: never"))
    assert len(caught.value.faults) == 3


def with_all(tmp_path, text):
    return with_question(describe(study(tmp_path, text)), folder=tmp_path, modalities=MODALITY)


def test_the_question_says_target_roles_task_and_inputs(tmp_path):
    (tmp_path / "ward").mkdir()
    found = with_all(tmp_path, question_of(after="24h", window="10d") + "table: ward")
    assert (found.target, found.id, found.group, found.task) == (("stroke",), "subject", "subject", "classification")
    assert found.inputs["events"].options == {"source": "ward", "after": "24h", "window": "10d"}
    value = with_all(tmp_path, question_of(target={"value": "k", "take": "max", "name": "k"}))
    assert value.task == "regression"
    assert value.inputs["events"].options == {}
    own = with_all(tmp_path, question_of() + "inputs: {db: {modality: timelines, source: 'sqlite:///x.db'}}")
    assert own.inputs["db"].options == {"source": "sqlite:///x.db"}


def test_what_the_study_says_otherwise_is_refused(tmp_path):
    with pytest.raises(StudyError) as caught:
        with_all(tmp_path, question_of() + "target: other\ngroup: ward\ninputs: {a: {modality: timelines, window: 3d}}")
    told = "\n".join(caught.value.faults)
    assert len(caught.value.faults) == 3
    for part in ("target: the question's is 'stroke'", "their group is 'subject'", "input 'a': 'window' is said by the question"):
        assert part in told


COLUMNS = """
table: stays.csv
inputs:
  stay: {modality: timelines, columns: [patient]}
  person: {modality: tables, columns: [age]}
question: {index: {column: admitted}, after: 48h, window: 48h, target: {column: died}}
group: patient
"""


def test_a_question_of_columns_hands_its_spans_and_its_time_zero_on(tmp_path):
    table = Table(pa.table({name: ["1", "2"] for name in ("patient", "admitted", "died", "age")}), tmp_path)
    found = ask(study(tmp_path, COLUMNS), table=table, modalities=MODALITY)
    stay, person = found.inputs
    assert (stay.columns, stay.options) == (("patient", "admitted"), {"after": "48h", "window": "48h"})
    assert (person.columns, person.options) == (("age",), {})
    assert found.targets == ("died",)
    assert found.question.index.column == "admitted"
    assert found.flow is None


def test_a_column_of_the_question_must_be_there(tmp_path):
    table = Table(pa.table({name: ["1", "2"] for name in ("patient", "admited", "died", "age")}), tmp_path)
    with pytest.raises(StudyError, match=r"question: index: the table has no column 'admitted'; did you mean 'admited'\?"):
        ask(study(tmp_path, COLUMNS), table=table, modalities=MODALITY)


def test_a_question_of_columns_chooses_no_cases(tmp_path):
    with pytest.raises(StudyError, match="question: washout: with a target column the table's rows are the cases"):
        describe(study(tmp_path, COLUMNS.replace("after: 48h", "after: 48h, washout: 1y")))
