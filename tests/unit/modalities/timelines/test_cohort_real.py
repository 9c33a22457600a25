"""Cases of real stays: what polars counts by joins of the same events, case by case."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from osler.core.duration import UNITS
from osler.core.question import Eligible, FollowUp, Goal, Moment, Question
from osler.core.table import Table
from osler.modalities.timelines import Timelines
from tests.unit.modalities.timelines.demo_stays import written

HOUR, DAY = UNITS["h"], UNITS["d"]
ASKED = Question(Moment(("admission*",)), Goal("died", ("death",)), after=24 * HOUR, horizon=30 * DAY)


@pytest.fixture(scope="module")
def stays(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stays")
    return folder, written(data, folder)


def asked_of(stays, question, purpose="score"):
    folder, _ = stays
    made = Timelines().cohort(question, folder=folder, options={}, cache=folder / "cache", purpose=purpose)
    return made, pl.read_ipc(made.file).with_columns(pl.col("index", "prediction").dt.replace_time_zone(None))


def firsts(events):
    return events.filter(pl.col("code").str.starts_with("admission")).group_by("subject_id").agg(start=pl.col("time").min())


def test_deaths_in_the_month_after_the_first_day_are_those_that_a_join_finds(stays):
    made, table = asked_of(stays, ASKED)
    _, events = stays
    died = events.filter(pl.col("code") == "death").group_by("subject_id").agg(death=pl.col("time").min())
    last = events.group_by("subject_id").agg(last=pl.col("time").max())
    now = (pl.col("start") + timedelta(hours=24)).alias("now")
    wanted = firsts(events).with_columns(now).join(died, "subject_id", "left").join(last, "subject_id")
    wanted = wanted.filter(pl.col("death").is_null() | (pl.col("death") > pl.col("now")))
    end = pl.col("now") + timedelta(days=30)
    wanted = wanted.with_columns(
        died=pl.when((pl.col("death") <= end).fill_null(False)).then(1).when(pl.col("last") >= end).then(0).otherwise(None)
    )
    found = table.sort("subject")
    wanted = wanted.sort("subject_id")
    assert found["subject"].to_list() == wanted["subject_id"].to_list()
    assert found["index"].to_list() == wanted["start"].to_list()
    assert found["died"].to_list() == wanted["died"].to_list()
    assert made.flow.outcome == wanted["died"].sum() > 10
    assert (found["censored"].is_not_null() == wanted["died"].is_null()).all()
    assert dict(made.flow.steps)["subjects"] == events["subject_id"].n_unique() == 100


@pytest.mark.parametrize("take", ["max", "mean", "last"])
def test_values_after_every_admission_are_those_that_a_join_finds(stays, take):
    goal = Goal("creatinine", value=("LAB//creatinine",), take=take)
    question = replace(ASKED, index=Moment(("admission*",), which="every"), target=goal, horizon=3 * DAY, gap=6 * HOUR)
    _, table = asked_of(stays, question)
    _, events = stays
    values = events.filter((pl.col("code") == "LAB//creatinine") & pl.col("value").is_not_null()).sort(
        "time", maintain_order=True
    )
    known = 0
    for subject, moment, value, why in table.select("subject", "prediction", "creatinine", "censored").iter_rows():
        start = moment + timedelta(hours=6)
        own = values.filter(
            (pl.col("subject_id") == subject) & pl.col("time").is_between(start, start + timedelta(days=3), closed="right")
        )
        if why is None:
            expected = own["value"].cast(pl.Float32).to_list()
            assert value == pytest.approx({"max": max, "mean": np.mean, "last": lambda v: v[-1]}[take](expected), rel=1e-6)
            known += 1
        elif why == "unmeasured":
            assert own.is_empty()
    assert known > 60


def test_readmission_is_asked_from_discharge_and_only_of_those_who_live(stays):
    question = Question(
        Moment(("discharge",), which="every"), Goal("readmitted", ("admission*",)), horizon=90 * DAY,
        followup=FollowUp(known=90 * DAY), eligible=Eligible(age=(18, 89)),
    )  # fmt: skip
    made, table = asked_of(stays, question)
    _, events = stays
    births = dict(events.filter(pl.col("code") == "birth").select("subject_id", "time").iter_rows())
    deaths = dict(events.filter(pl.col("code") == "death").select("subject_id", "time").iter_rows())
    ages = [(moment - births[who]).days / 365.25 for who, moment in table.select("subject", "prediction").iter_rows()]
    assert 18 <= min(ages) <= max(ages) < 90
    assert all(
        deaths.get(who, moment + timedelta(1)) > moment for who, moment in table.select("subject", "prediction").iter_rows()
    )
    admissions = events.filter(pl.col("code").str.starts_with("admission"))
    for who, moment, again in table.select("subject", "prediction", "readmitted").iter_rows():
        own = admissions.filter(
            (pl.col("subject_id") == who) & pl.col("time").is_between(moment, moment + timedelta(days=90), closed="right")
        )
        assert (again == 1) == (len(own) > 0)
    assert made.flow.outcome == table["readmitted"].sum() > 5


def test_a_planted_future_changes_neither_the_cases_to_predict_nor_their_columns(stays, tmp_path):
    """What was recorded after the prediction time, planted in every subject, reaches no array that a model reads."""
    folder, events = stays
    _, table = asked_of(stays, ASKED, "predict")
    later = table.select(
        pl.col("subject").alias("subject_id"), time=pl.col("prediction") + timedelta(microseconds=1), code=pl.lit("LAB//creatinine"),
        value=pl.lit(99.0),
    )  # fmt: skip
    pl.concat([events, later]).write_parquet(tmp_path / "events.parquet")
    planted = (tmp_path, None)
    _, again = asked_of(planted, ASKED, "predict")
    assert again.equals(table)
    modality = Timelines()
    read = []
    for home, cases in ((folder, table), (tmp_path, again)):
        rows = Table(cases.to_arrow(), home)
        located = modality.locate(rows, columns=("subject", "index"), options={"after": "24h"}, cache=home / "cache")
        reading = {d.name: d.value for d in modality.reading(located, settings={"after": "24h"})}
        read.append(modality.shard(located, reading=reading, roles=frozenset({"input"})))
    for name in ("times", "codes", "values"):
        np.testing.assert_array_equal(read[0][name].values, read[1][name].values)
        np.testing.assert_array_equal(read[0][name].offsets, read[1][name].offsets)
    assert len(read[0]["times"].values) > 1000
    assert read[0]["times"].values.max() <= 0
