"""Events beside a table, as a hospital has them: moved to other places, planted with what must not travel, and with the future."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import osler as library
from tests.journeys.command import osler, refused, worked

CASES = 90
FAST = (
    "--budget",
    "5s",
    "--set",
    "fit.members=1",
    "--set",
    "fit.epochs=1",
    "--set",
    "baseline.effort=1",
    "--set",
    "split.folds=2",
)
STUDY = """
table: table.csv
target: died
group: patient
id: patient
inputs:
  events: {{modality: timelines, columns: [patient, admitted], source: {source}, after: 24h}}
  person: {{modality: tables, columns: [age, sex]}}
"""
# names and numbers of one patient, and of four: fewer than the five that may be told of
PLANTED = ("Jane Roe", "JaneUnit", "RoeNote", "MRN-0042", "RareOfFour", "OddUnit", "SecretFree")


def hospital(folder: Path, *, seed: int = 0) -> None:
    """Write `table.csv` and `events.csv`: 90 patients, a day of measurements each, and what must not travel."""
    draw = np.random.default_rng(seed)
    names = [f"MRN-{n:04}" for n in range(CASES)]
    ill = draw.random(CASES) < 0.5
    admitted = [f"2024-{1 + n % 12:02}-{1 + n % 28:02} 08:00:00" for n in range(CASES)]
    table = {"patient": names, "admitted": admitted, "age": draw.integers(20, 90, CASES), "sex": draw.choice(["f", "m"], CASES)}
    pl.DataFrame(table | {"died": ill.astype(int)}).write_csv(folder / "table.csv")
    rows = []
    for n, (name, start) in enumerate(zip(names, admitted, strict=True)):
        day = start[:10]
        for hour in range(9, 21):
            rows += [(name, f"{day} {hour:02}:00:00", "HR", f"{70 + 20 * ill[n] + draw.normal(0, 9):.0f}", "bpm")]
        rows += [
            (name, f"{day} 09:30:00", "Glucose", f"{draw.normal(100, 9):.0f}", "mg/dL"),
            (name, f"{day} 10:00:00", "ward", "east", ""),
        ]
        rows += [(name, f"{day} 11:00:00", "RareOfFour", "7", "")] if n % 25 == 0 else []
        if n == 42:
            rows += [
                (name, f"{day} 11:00:00", "NAME//Jane Roe", "1", ""), (name, f"{day} 11:00:00", "HR", "88", "JaneUnit"),
                (name, f"{day} 11:00:00", "ward", "RoeNote", ""), (name, f"{day} 11:00:00", "note", "SecretFree " * 40, ""),
                (name, f"{day} 11:30:00", "Glucose", "5", "OddUnit"), (name, f"{day} 11:30:00", "pH of Jane Roe", "70", ""),
                (name, f"{day} 11:40:00", "Lactate", "900", "JaneUnit"),
            ]  # fmt: skip
    pl.DataFrame(rows, schema=["patient", "time", "code", "value", "unit"], orient="row").write_csv(folder / "events.csv")


@pytest.fixture(scope="module")
def ward(home):
    """A folder with table, events, study and the bundle of an absolute source."""
    folder = home / "hospital"
    folder.mkdir()
    hospital(folder)
    (folder / "study.yaml").write_text(STUDY.format(source=folder / "events.csv"))
    worked(osler("train", folder / "study.yaml", "--out", folder / "model", *FAST))
    return folder


@pytest.fixture
def moved(ward, tmp_path):
    """The table alone in one folder, the events under another name in another."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    shutil.copy(ward / "table.csv", tmp_path / "here" / "table.csv")
    shutil.copy(ward / "events.csv", tmp_path / "there" / "measured.csv")
    return tmp_path


def test_events_that_are_not_beside_the_table_are_asked_for_and_named(ward, moved):
    table, out = moved / "here" / "table.csv", moved / "new.csv"
    said = refused(osler("predict", ward / "model", table, "--out", out))
    assert "input 'events': source: no events lie beside the study's table" in said
    assert "--source events=PLACE" in said
    place = f"events={moved / 'there' / 'measured.csv'}"
    worked(osler("predict", ward / "model", table, "--source", place, "--out", out))
    worked(osler("predict", ward / "model", ward / "table.csv", "--out", moved / "old.csv"))
    assert out.read_bytes() == (moved / "old.csv").read_bytes()
    worked(osler("evaluate", ward / "model", table, "--source", place, "--out", moved / "scores"))
    worked(osler("explain", ward / "model", table, "--row", "1", "--source", place, "--out", moved / "why"))
    worked(osler("compare", ward / "model", ward / "model", table, "--source", place))
    frame = library.load(ward / "model", sources={"events": moved / "there" / "measured.csv"}).predict(table)
    assert frame["probability_1"].to_list() == pl.read_csv(out)["probability_1"].to_list()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("event=x.csv", "the bundle has no input 'event' whose source could be named; did you mean 'events'?"),
        ("person=x.csv", "input 'person' is made of the table's own columns and has no source"),
        ("events", "--source: wanted INPUT=PLACE"),
        ("events=nowhere.csv", "input 'events': source: there is no 'nowhere.csv'"),
    ],
)
def test_a_source_that_cannot_be_is_told(ward, tmp_path, source, told):
    out = tmp_path / "new.csv"
    assert told in refused(osler("predict", ward / "model", ward / "table.csv", "--source", source, "--out", out))
    assert not out.exists()


def test_a_database_is_no_table_of_rows(ward, tmp_path):
    said = refused(osler("predict", ward / "model", "sqlite:////nowhere.db", "--out", tmp_path / "new.csv"))
    assert "the address of a database is no table; give a table, and the address with --source INPUT=ADDRESS" in said
    (tmp_path / "study.yaml").write_text(STUDY.format(source="events.csv").replace("table.csv", "sqlite:////nowhere.db"))
    assert "'table' is the address of a database" in refused(osler("inspect", tmp_path / "study.yaml"))


def test_a_source_moves_the_input_of_either_bundle_that_has_it(ward, moved):
    """Whether events add anything is asked by comparing a bundle with them to one without."""
    study = (ward / "study.yaml").read_text().splitlines(keepends=True)
    (ward / "plain.yaml").write_text("".join(line for line in study if "timelines" not in line))
    worked(osler("train", ward / "plain.yaml", "--out", moved / "plain", *FAST))
    place = f"events={moved / 'there' / 'measured.csv'}"
    worked(osler("compare", ward / "model", moved / "plain", moved / "here" / "table.csv", "--source", place))


def test_what_fewer_than_five_patients_have_does_not_travel(ward):
    held = {p.relative_to(ward / "model"): p.read_bytes() for p in (ward / "model").rglob("*") if p.is_file()}
    assert len(held) >= 8
    found = {(str(name), word) for name, data in held.items() for word in (*PLANTED, str(ward)) if word.encode() in data}
    assert not found


def test_what_comes_after_the_prediction_changes_neither_training_nor_prediction(ward, tmp_path):
    """Each patient gets events a day and a second after admission that tell the outcome, new codes and known ones."""
    table = pl.read_csv(ward / "table.csv")
    later = pl.col("admitted").str.to_datetime().dt.offset_by("24h1s").dt.strftime("%Y-%m-%d %H:%M:%S")
    future = table.select(
        "patient", time=later, code=pl.lit("HR"), value=(pl.col("died") * 100 + 50).cast(pl.String), unit=pl.lit("bpm")
    )
    events = pl.read_csv(ward / "events.csv", infer_schema=False)
    pl.concat([events, future, future.with_columns(code=pl.lit("outcome"))]).write_csv(tmp_path / "events.csv")
    shutil.copy(ward / "table.csv", tmp_path / "table.csv")
    (tmp_path / "study.yaml").write_text(STUDY.format(source="events.csv"))
    worked(osler("train", tmp_path / "study.yaml", "--out", tmp_path / "model", *FAST, "--set", "fit.threads=1"))
    (tmp_path / "before").mkdir()
    for name in ("table.csv", "events.csv"):
        shutil.copy(ward / name, tmp_path / "before" / name)
    (tmp_path / "before" / "study.yaml").write_text(STUDY.format(source="events.csv"))
    worked(
        osler(
            "train", tmp_path / "before" / "study.yaml", "--out", tmp_path / "before" / "model", *FAST, "--set", "fit.threads=1"
        )
    )
    for name in ("weights.safetensors", "fitted.safetensors"):
        assert (tmp_path / "model" / name).read_bytes() == (tmp_path / "before" / "model" / name).read_bytes()
    for folder in (tmp_path, tmp_path / "before"):
        worked(osler("predict", tmp_path / "model", folder / "table.csv", "--out", folder / "new.csv"))
    assert (tmp_path / "new.csv").read_bytes() == (tmp_path / "before" / "new.csv").read_bytes()
