"""The journey of someone with a hospital's events and a clinical question: study, report, new patients."""

import json

import polars as pl
import pytest

from tests.journeys.command import FAST, osler, refused
from tests.unit.modalities.timelines.demo_stays import events

STUDY = """
title: Death in the half year after the first day
question:
  index: {event: "admission*"}
  after: 24h
  horizon: 180d
  target: {event: death, name: died}
  eligible: {age: [18, null]}
  followup: 200d  # every death of the demo is known
"""


@pytest.fixture(scope="module")
def ward(data, home):
    """The first 70 subjects of the MIMIC-III demo to learn from, the others as new patients."""
    rows = events(data)
    subjects = rows["subject_id"].unique().sort()
    folders = [home / "ward", home / "later"]
    for folder, some in zip(folders, (subjects[:70], subjects[70:]), strict=True):
        folder.mkdir()
        rows.filter(pl.col("subject_id").is_in(some.to_list())).write_parquet(folder / "events.parquet")
    (folders[0] / "study.yaml").write_text(STUDY)
    return folders


def test_a_question_of_events_is_asked_answered_and_asked_again(ward, tmp_path):
    ward, later = ward
    ended = osler("train", ward / "study.yaml", "--out", tmp_path / "model", *FAST)
    assert ended.code == 0, ended.said
    page = (tmp_path / "model" / "report.html").read_text()
    for part in ("The question", "24 hours after the index time", "70 subjects", "in the 180 days after the prediction"):
        assert part in page
    ended = osler("predict", tmp_path / "model", later, "--out", tmp_path / "new.csv")
    assert ended.code == 0, ended.said
    lines = pl.read_csv(tmp_path / "new.csv")
    assert 20 < len(lines) == lines["subject"].n_unique() <= 30
    assert lines["probability_1"].is_between(0, 1).all()
    ended = osler("evaluate", tmp_path / "model", later, "--out", tmp_path / "scores")
    assert ended.code == 0, ended.said
    assert json.loads((tmp_path / "scores" / "scores.json").read_text())["counts"]["cases"] == len(lines)


def test_a_question_that_cannot_be_asked_is_told_whole(ward, tmp_path):
    text = STUDY.replace("admission*", "admision").replace("death, name", "deaths, name")
    (tmp_path / "study.yaml").write_text(text)
    (tmp_path / "events.parquet").write_bytes((ward[0] / "events.parquet").read_bytes())
    said = refused(osler("train", tmp_path / "study.yaml", "--out", tmp_path / "model"))
    assert "did you mean 'death'? (70 events have it)" in said
    assert "none of" in said
    (tmp_path / "study.yaml").write_text(STUDY.replace("180d", "half a year"))
    assert "question: horizon: 'half a year' is no duration" in refused(osler("inspect", tmp_path / "study.yaml"))
