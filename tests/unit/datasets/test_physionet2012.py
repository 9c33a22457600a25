"""The real sets of the challenge: their counts, and stays parsed another way."""

import csv
import io
import json
import tarfile
from collections import Counter

import polars as pl
import pytest
import yaml

from osler.datasets import get
from osler.datasets.physionet2012 import UNITS


@pytest.fixture(scope="module")
def study(data, tmp_path_factory):
    return get("physionet2012", to=tmp_path_factory.mktemp("physionet") / "p", mirror=data / "records")


@pytest.fixture(scope="module")
def events(study):
    return pl.read_parquet(study.parent / "events.parquet")


@pytest.fixture(scope="module")
def table(study):
    return pl.read_csv(study.parent / "table.csv", infer_schema=False)


def lines(data, name):
    """Return the lines of the first 40 stays of a set, each parsed by Python's csv."""
    found = {}
    with tarfile.open(data / "records" / "physionet2012" / f"set-{name}.tar.gz") as archive:
        for member in archive:
            if member.isfile() and len(found) < 40:
                text = archive.extractfile(member).read().decode()
                found[member.name.rpartition("/")[2].removesuffix(".txt")] = list(csv.DictReader(io.StringIO(text)))
    return found


def test_stays_deaths_and_parts_are_those_of_the_challenge(table):
    # Silva and others 2012: sets of 4,000 stays; 554 and 568 deaths are the sums of the outcome files themselves
    counted = table.group_by("split").agg(pl.len(), pl.col("died").cast(int).sum()).sort("split").rows()
    assert counted == [("test", 4000, 568), ("train", 4000, 554)]
    assert table["stay"].n_unique() == 8000


def test_every_line_is_an_event_or_left_out_for_a_reason(study, events):
    counts = json.loads((study.parent / "counts.json").read_text(encoding="utf-8"))
    # the lines by `tar xzOf set-a.tar.gz | grep -vc ^Time,Parameter` (GNU tar 1.34) and the same of set b
    assert {name: part["lines"] for name, part in counts.items()} == {"set-a": 1_678_892, "set-b": 1_614_816}
    for part in counts.values():
        assert part["lines"] == part["events"] + sum(part["left out"].values())
        assert set(part["left out"]) == {"descriptor of the stay", "missing (-1)"}
    assert events.height == sum(part["events"] for part in counts.values())


@pytest.mark.parametrize("name", ["a", "b"])
def test_stays_equal_another_parse_line_by_line(name, data, table, events):
    described = ("RecordID", "Age", "Gender", "Height", "ICUType")
    for stay, rows in lines(data, name).items():
        wanted = [
            (int(r["Time"][:2]) * 60 + int(r["Time"][3:]), r["Parameter"], float(r["Value"]), UNITS.get(r["Parameter"]))
            for r in rows
            if r["Parameter"] not in described and float(r["Value"]) != -1
        ]
        ours = events.filter(pl.col("subject") == stay).select("time", "code", "value", "unit").rows()
        assert ours == wanted
        row = table.row(by_predicate=pl.col("stay") == stay, named=True)
        said = {r["Parameter"]: r["Value"] for r in reversed(rows) if r["Time"] == "00:00" and r["Value"] != "-1"}
        words = {"Gender": {"0": "female", "1": "male"}, "ICUType": dict(zip("1234", ("co", "ca", "me", "su"), strict=True))}
        assert (row["Age"], row["Height"], row["Weight"]) == (said.get("Age"), said.get("Height"), said.get("Weight"))
        assert row["Gender"] == words["Gender"].get(said.get("Gender"))
        assert row["ICUType"][:2] == words["ICUType"][said["ICUType"]]


def test_outcomes_equal_the_files(data, table):
    died = dict(table.select("stay", "died").iter_rows())
    for name in "ab":
        with (data / "records" / "physionet2012" / f"Outcomes-{name}.txt").open(newline="") as stream:
            for row in csv.DictReader(stream):
                assert died[row["RecordID"]] == row["In-hospital_death"]


def test_events_lie_within_48_hours_and_are_the_challenges_37_series(events):
    assert (events["time"].min(), events["time"].max()) == (0, 48 * 60)
    codes = Counter(events["code"].to_list())
    assert set(UNITS) < set(codes)
    assert set(codes) - set(UNITS) == {"FiO2", "GCS", "MechVent", "Mg", "pH"}
    assert events["value"].null_count() == events["text"].count() == 0


def test_magnesium_has_no_unit_because_its_values_are_not_those_of_the_stated_one(events):
    median = events.filter(pl.col("code") == "Mg")["value"].median()
    assert 1.7 <= median <= 2.2  # normal in mg/dL; in mmol/L, as the challenge's page has it, 0.7 to 1.1 would be
    assert events.filter(pl.col("code") == "Mg")["unit"].count() == 0


def test_faults_of_the_files_are_left_for_reading_to_mask(events):
    assert events.filter(pl.col("code") == "pH")["value"].max() > 100
    assert events.filter(pl.col("code") == "Temp")["value"].min() == pytest.approx(-17.8)


def test_answers_of_the_source_are_no_columns(study, table):
    assert table.columns == ["stay", "split", "Age", "Gender", "Height", "ICUType", "Weight", "died"]
    keys = yaml.safe_load(study.read_text(encoding="utf-8"))
    assert keys["inputs"]["stay"]["columns"] == ["Age", "Gender", "Height", "ICUType", "Weight"]
    assert keys["inputs"]["events"] == {
        "modality": "timelines",
        "columns": ["stay"],
        "source": "events.parquet",
        "clock": "minutes",
        "after": "48h",
    }
