"""A question of events from study.yaml to report, bundle, prediction and evaluation."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from osler.core import registry
from osler.core.errors import BundleError, RequestError, StudyError, TableError
from osler.core.question import Cohort, Flow, Goal, Moment, Question
from osler.flows import cohorts
from osler.flows.compare import compare
from osler.flows.evaluate import evaluate
from osler.flows.explain import Asked, explain, explained
from osler.flows.inspect import inspect
from osler.flows.opening import open_study
from osler.flows.predict import predict
from osler.flows.predictor import Predictor, load
from osler.flows.train import cases_page, train
from osler.spine.study import Request

STUDY = """
title: Failure after admission
question:
  index: {event: "admission*"}
  after: 24h
  gap: 6h
  horizon: 10d
  target: {event: "I50*", name: failure}
  death: no
budget: 20s
set: {fit.members: 1, fit.epochs: 2, baseline.effort: 1, split.folds: 2}
"""
HOUR = 3_600_000_000


@pytest.fixture(autouse=True)
def _counted(monkeypatch):
    monkeypatch.setitem(registry.MODALITIES, "timelines", "tests.unit.flows.counted:Counted")


def events(seed=0, subjects=240):
    """Return a made-up ward: who gets the drug often fails; some leave early, some die."""
    generator = np.random.default_rng(seed)
    rows = []
    for who in range(subjects):
        name, start = f"s{seed}-{who:03d}", int(generator.integers(0, 9000)) * HOUR
        drugs = int(generator.integers(0, 6))
        rows += [(name, start, "admission//ward", None)]
        rows += [(name, start + int(h * HOUR), "lab", float(h)) for h in generator.uniform(0, 23, 4)]
        rows += [(name, start + int(h * HOUR), "drug", None) for h in generator.uniform(0, 23, drugs)]
        if generator.random() < 1 / (1 + np.exp(4 - 1.6 * drugs)):
            rows += [(name, start + int(generator.uniform(31, 200) * HOUR), "I50.1", None)]
        if generator.random() < 0.1:
            rows += [(name, start + int(generator.uniform(31, 200) * HOUR), "death", None)]
        rows += [(name, start + (300 if generator.random() < 0.9 else 100) * HOUR, "visit", None)]
    return pl.DataFrame(rows, schema=["subject_id", "time", "code", "value"], orient="row").with_columns(
        pl.col("time").cast(pl.Datetime("us")), pl.col("value").cast(pl.Float64)
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("question")
    (folder / "study").mkdir()
    events().write_parquet(folder / "study" / "events.parquet")
    (folder / "study" / "study.yaml").write_text(STUDY)
    (folder / "new").mkdir()
    events(seed=1, subjects=90).write_parquet(folder / "new" / "events.parquet")
    return folder


@pytest.fixture(scope="module")
def bundle(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.MODALITIES, "timelines", "tests.unit.flows.counted:Counted")
        return train(Request(home / "study" / "study.yaml"), out=home / "bundle", cache=home / "cache")


@pytest.fixture(autouse=True)
def _cache(home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "own"))


def test_a_study_of_events_needs_no_table(home):
    study, table = open_study(Request(home / "study" / "study.yaml"), cache=home / "cache")
    assert (study.targets, study.task, study.roles.group, study.roles.id) == (
        ("failure",),
        "classification",
        "subject",
        "subject",
    )
    (only,) = study.inputs
    assert (only.modality, only.columns, only.options) == ("timelines", ("subject", "index"), {"after": "24h"})
    assert len(table) == dict(study.flow.steps)["index"] == 240
    assert {r.code for r in table.refusals.values()} == {"censored"} == set(study.flow.unknown)
    assert len(table.refusals) == study.flow.unknown["censored"] > 5
    assert not any("in no input" in note for note in study.notes)


def test_inspection_counts_the_censored_among_the_refused(home):
    found = inspect(Request(home / "study" / "study.yaml"), cache=home / "cache")
    (reason,) = found.refused
    assert reason == "censored: follow-up ends before the horizon, without the outcome: whether it came is not known"
    assert found.split.how


def test_the_report_tells_the_question_and_the_bundle_holds_it_without_a_place(home, bundle):
    page = (bundle / "report.html").read_text()
    assert "The question" in page
    assert "first event admission*" in page
    assert "followed too" in page
    text = (bundle / "bundle.json").read_text()
    about = json.loads(text)
    assert Question.from_dict(about["question"]).target.name == "failure"
    assert about["inputs"][0]["options"] == {"after": "24h"}
    assert "events.parquet" not in text
    assert str(home) not in text
    names = set(events()["subject_id"])
    whole = "".join(p.read_bytes().decode("latin-1") for p in bundle.rglob("*") if p.is_file())
    assert [name for name in names if name in whole] == []
    assert any(name in cases_page(bundle).read_text() for name in names)


def test_a_bundle_predicts_new_events_without_their_outcome(home, bundle, tmp_path):
    new = events(seed=1, subjects=90)
    lines = pl.read_csv(predict(bundle, home / "new" / "events.parquet", out=tmp_path / "p.csv"))
    assert set(lines["subject"]) == set(new["subject_id"])
    assert (lines["refused"] == "").sum() == len(lines) == 90
    starts = dict(new.filter(pl.col("code") == "admission//ward").select("subject_id", "time").iter_rows())
    moments = lines.with_columns(pl.col("prediction").str.to_datetime("%Y-%m-%dT%H:%M:%SZ"))
    assert all(
        (moment - starts[who]).total_seconds() == 86400 for who, moment in moments.select("subject", "prediction").iter_rows()
    )
    folder = pl.read_csv(predict(bundle, home / "new", out=tmp_path / "q.csv"))
    assert folder.equals(lines)
    again = load(bundle).predict(home / "new")
    assert np.allclose(again["probability_1"], lines["probability_1"])


def test_the_future_changes_no_prediction(home, bundle, tmp_path):
    new = events(seed=1, subjects=90)
    before = pl.read_csv(predict(bundle, home / "new", out=tmp_path / "p.csv"))
    starts = new.filter(pl.col("code") == "admission//ward").select(
        "subject_id", pl.col("time") + pl.duration(hours=24, microseconds=1)
    )
    planted = [starts.with_columns(code=pl.lit(c), value=pl.lit(7.0)) for c in ("drug", "lab", "I50.1", "rare")]
    (tmp_path / "planted").mkdir()
    pl.concat([new, *planted]).write_parquet(tmp_path / "planted" / "events.parquet")
    after = pl.read_csv(predict(bundle, tmp_path / "planted", out=tmp_path / "q.csv"))
    assert after.equals(before)
    seen = pl.concat([new, *(p.with_columns(pl.col("time") - pl.duration(microseconds=1)) for p in planted)])
    seen.write_parquet(tmp_path / "planted" / "events.parquet")
    changed = pl.read_csv(predict(bundle, tmp_path / "planted", out=tmp_path / "r.csv"))
    assert not changed["probability_1"].equals(before["probability_1"])


def test_evaluation_derives_cases_and_outcomes_in_the_same_way(home, bundle, tmp_path):
    scores = evaluate(bundle, home / "new", out=tmp_path / "scores")
    page = (tmp_path / "scores" / "report.html").read_text()
    assert "90 subjects" in page
    assert "followed too" in page
    table = cohorts.of_bundle(load(bundle), home / "new", purpose="score", cache=tmp_path / "c")[1].table
    known = 90 - len(table.refusals)
    assert scores.counts["cases"] == known < 90
    assert scores.test["auroc"].value > 0.6
    assert "follow-up ends before the horizon" in page


def test_the_address_of_a_database_may_stand_in_the_place_of_events_and_reaches_its_reader_whole(bundle, tmp_path):
    """A path would lose a slash of it, and with it what is absolute."""
    with pytest.raises(RequestError, match=r"no database file '/nowhere/at all\.db'"):
        predict(bundle, "sqlite:////nowhere/at all.db", out=tmp_path / "new.csv")
    with pytest.raises(StudyError, match="give their place instead of a table, and no --source"):
        predict(bundle, tmp_path, sources={"events": "sqlite:////nowhere/at all.db"}, out=tmp_path / "new.csv")


def test_one_case_is_explained_by_its_subject(home, bundle, tmp_path):
    (found,) = explain(bundle, home / "new", out=tmp_path / "why", asked=Asked.of(case="s1-003"))
    assert found["id"] == "s1-003"


def test_bundles_of_different_questions_are_not_compared(home, bundle, tmp_path):
    assert compare(bundle, bundle, home / "new").counts
    other = tmp_path / "other"
    other.mkdir()
    (other / "study.yaml").write_text(STUDY.replace("horizon: 10d", "horizon: 9d"))
    events().write_parquet(other / "events.parquet")
    changed = train(Request(other / "study.yaml"), out=tmp_path / "changed", cache=tmp_path / "cache")
    with pytest.raises(Exception, match="question"):
        compare(bundle, changed, home / "new")


def test_what_cannot_be_asked_of_new_events_is_said(home, bundle, tmp_path):
    with pytest.raises(TableError, match="no file or folder 'nowhere'; this bundle derives its cases from events"):
        predict(bundle, home / "nowhere", out=tmp_path / "p.csv")
    (tmp_path / "odd").mkdir()
    events().filter(pl.col("code") != "admission//ward").write_parquet(tmp_path / "odd" / "events.parquet")
    with pytest.raises(StudyError, match=r"question: index: none of \d+ codes is 'admission\*'"):
        predict(bundle, tmp_path / "odd", out=tmp_path / "p.csv")


class Unread:
    """Events that nobody reads: what is handed to them is kept."""

    asked = ("source",)

    def cohort(self, question, *, folder, options, cache, purpose):
        return Cohort(Path("cases.arrow"), Flow((("subjects", 9),)))


def asking(*sources):
    """Return a predictor of a question whose inputs had their events in `sources` (None: a place that no bundle holds)."""
    inputs = [{"name": f"in{n}", "options": {} if source is None else {"source": source}} for n, source in enumerate(sources)]
    asked = Question(Moment(("a",)), Goal("b", ("c",)), horizon=1)
    about = {"question": asked.to_dict(), "inputs": inputs, "target": {}, "roles": {"id": "subject"}}
    task = SimpleNamespace(needs=lambda _: "vector")
    return Predictor("b", SimpleNamespace(about=about), task, {i["name"]: Unread() for i in inputs}, (), None, "cpu")


def test_rows_in_memory_are_no_events_and_their_path_is_asked_for():
    rows = pl.DataFrame({"subject": ["a"]})
    for verb in (lambda p: p.predict(rows), lambda p: explained(p, rows, asked=Asked.of(row=1))):
        with pytest.raises(TableError, match="give the path of the events instead of rows in memory"):
            verb(asking("events.parquet"))


def test_inputs_whose_events_lay_elsewhere_are_not_read_from_the_one_place_that_is_given(tmp_path):
    both = cohorts.of_bundle(asking("e.csv", "e.csv"), tmp_path, purpose="predict", cache=tmp_path)[0]
    assert {moved["source"] for moved in both.moved.values()} == {tmp_path.name}
    with pytest.raises(
        StudyError, match="input 'in1': its events lay elsewhere than those of 'in0'; say where with --source in1="
    ):
        cohorts.of_bundle(asking("e.csv", "notes.csv"), tmp_path, purpose="predict", cache=tmp_path)
    told = replace(asking("e.csv", "notes.csv"), moved={"in1": {"source": "/new/notes.csv"}})
    found = cohorts.of_bundle(told, tmp_path, purpose="predict", cache=tmp_path)[0]
    assert found.moved == {"in0": {"source": tmp_path.name}, "in1": {"source": "/new/notes.csv"}}


@pytest.mark.parametrize("damage", [{}, {"index": 3}, []])
def test_a_damaged_question_of_a_bundle_is_refused(damage):
    with pytest.raises(BundleError, match="question cannot be read"):
        cohorts.question_of({"question": damage})


def test_faults_that_the_events_show_end_before_training(home, tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY.replace("I50*", "I51*").replace("admission*", "admision"))
    events().write_parquet(tmp_path / "events.parquet")
    with pytest.raises(StudyError) as caught:
        open_study(Request(tmp_path / "study.yaml"), cache=tmp_path / "cache")
    assert len(caught.value.faults) == 2
