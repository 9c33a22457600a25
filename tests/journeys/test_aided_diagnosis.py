"""Aided diagnosis on the command line, with real data: ICD-9 chapters of MIMIC-III admissions, and the twelve assays of Tox21.

The 129 admissions show that the commands do what they say, and nothing about how good such a model can be.
"""

import json
import re

import numpy as np
import polars as pl
import pytest

import osler as library
from tests.journeys.command import FAST, osler, refused

# The first three digits at which each chapter of ICD-9-CM begins, and its name; V and E codes are left out.
CHAPTERS = {
    1: "infection", 140: "neoplasm", 240: "endocrine, metabolic; immunity", 280: "blood", 290: "mental", 320: "nervous system",
    390: "circulation", 460: "respiration", 520: "digestion", 580: "genitourinary", 630: "pregnancy", 680: "skin",
    710: "musculoskeletal", 740: "congenital", 760: "perinatal", 780: "symptoms", 800: "injury",
}  # fmt: skip
LABS = {50912: "creatinine", 50902: "chloride", 50931: "glucose", 50971: "potassium", 51006: "urea", 51222: "haemoglobin",
        51265: "platelets", 51301: "leucocytes", 50813: "lactate", 50885: "bilirubin"}  # fmt: skip
WORDS = (*FAST[:4], "--set", "baseline.effort=1", "--set", "fit.epochs=2", "--set", "split.folds=1", "--set", "explain.seconds=0")
ATOMS = {"c": "aromatic", "C": "carbon", "N": "nitrogen", "n": "ring_nitrogen", "O": "oxygen", "S": "sulphur", "F": "fluorine",
         "l": "chlorine", "=": "double", "#": "triple", "(": "branches", "[": "charged", "@": "chiral", "1": "rings"}  # fmt: skip


def told(folder):
    return json.loads((folder / "scores.json").read_text())


def row(scores, panel, label):
    return next(r for r in scores["panels"][panel]["rows"] if r["label"] == label)


def targets(names):
    return [word for name in names for word in ("--target", name)]


@pytest.fixture(scope="module")
def admissions(data, home):
    """One row an admission: which chapters its discharge codes name, and the mean of laboratory values of its first 24 hours."""
    folder = home / "diagnosis"
    folder.mkdir()
    source = data / "records" / "mimic3demo"
    codes = pl.read_csv(source / "DIAGNOSES_ICD.csv.gz", schema_overrides={"icd9_code": pl.String})
    numbers = codes.filter(pl.col("icd9_code").str.contains(r"^\d{3}")).with_columns(
        number=pl.col("icd9_code").str.slice(0, 3).cast(pl.Int64)
    )
    starts = np.array(list(CHAPTERS))
    at = np.searchsorted(starts, numbers["number"].to_numpy(), side="right") - 1
    named = numbers.with_columns(chapter=pl.Series(np.array(list(CHAPTERS.values()), object)[at], dtype=pl.String), one=1)
    chapters = named.pivot(on="chapter", index="hadm_id", values="one", aggregate_function="max").fill_null(0)
    events = pl.read_csv(source / "LABEVENTS.csv.gz", infer_schema_length=None).with_columns(
        pl.col("charttime").str.to_datetime(time_zone="UTC")
    )
    stays = pl.read_csv(source / "ADMISSIONS.csv.gz").select(
        "subject_id", "hadm_id", pl.col("admittime").str.to_datetime(time_zone="UTC")
    )
    first = events.join(stays, on="hadm_id").filter((pl.col("charttime") - pl.col("admittime")).dt.total_hours() < 24)
    first = first.filter(pl.col("itemid").is_in(list(LABS))).with_columns(pl.col("itemid").replace_strict(LABS))
    labs = first.pivot(on="itemid", index="hadm_id", values="valuenum", aggregate_function="mean")
    table = stays.select("subject_id", "hadm_id").join(chapters, on="hadm_id").join(labs, on="hadm_id", how="left")
    few = [c for c in chapters.columns[1:] if not 5 <= table[c].sum() <= len(table) - 5]
    table.drop(few).write_csv(folder / "admissions.csv")
    return folder, [c for c in chapters.columns[1:] if c not in few]


@pytest.fixture(scope="module")
def model(admissions):
    folder, labels = admissions
    words = ("--group", "subject_id", "--id", "hadm_id", *WORDS, "--set", "target.listed=3")
    ended = osler("train", folder / "admissions.csv", *targets(labels), *words, "--out", folder / "m")
    assert ended.code == 0, ended.said
    return folder / "m"


def test_chapters_are_ranked_for_each_admission(model, admissions):
    folder, labels = admissions
    ended = osler("predict", model, folder / "admissions.csv", "--out", folder / "p.csv")
    assert ended.code == 0, ended.said
    lines = pl.read_csv(folder / "p.csv")
    assert len(lines) == len(pl.read_csv(folder / "admissions.csv")) > 100
    chance = lines.select(pl.selectors.starts_with("probability_")).to_numpy()
    np.testing.assert_allclose(lines["p_1"].to_numpy(), chance.max(axis=1))
    assert (lines["p_1"] >= lines["p_2"]).all()
    assert set(lines["rank_1"]) | set(lines["rank_3"]) <= set(labels)
    parts = lines["ranked"][0].split("; ")
    names = [label.replace(";", ",") for label in labels]
    assert [re.sub(r" \d\.\d\d$", "", part) in names for part in parts] == [True, True, True]
    assert lines.columns[-2:] == ["unsure", "refused"]
    assert set(lines["unsure"].fill_null("")) <= {"", "doubtful", "not among those I know"}


def test_the_report_tells_of_lists_and_of_what_is_left_to_a_person(model):
    scores = told(model)
    first, third = (row(scores, "first_labels", f"first {n}")["values"] for n in (1, 3))
    assert first["recall_at"]["value"] < third["recall_at"]["value"]
    assert 1 <= row(scores, "ranking", "whole lists")["values"]["coverage_error"]["value"] <= 15
    assert [r["label"] for r in scores["panels"]["abstention"]["rows"]] == [
        "in use",
        "error = 0.05",
        "error = 0.1",
        "error = 0.2",
    ]
    page = (model / "report.html").read_text()
    assert "First labels of the ranked lists" in page
    assert "Abstention" in page


def test_what_cannot_be_asked_for_is_refused(admissions):
    folder, labels = admissions
    words = ("train", folder / "admissions.csv", *targets(labels[:2]), *WORDS, "--out", folder / "never", "--set")
    assert "as in error=0.1 or coverage=0.8" in refused(osler(*words, "target.abstain=sure"))
    assert "wanted 0 (no list) or more" in refused(osler(*words, "target.listed=-2"))


@pytest.fixture(scope="module")
def assays(data, home):
    """Tox21 with numbers that are read off the text of each molecule: how often each sign stands in it."""
    table = pl.read_csv(data / "molecules" / "moleculenet" / "tox21.csv")
    labels = [c for c in table.columns if c.startswith(("NR-", "SR-"))]
    signs = {name: pl.col("smiles").str.count_matches(sign, literal=True) for sign, name in ATOMS.items()}
    folder = home / "assays"
    folder.mkdir()
    table.select(*labels, length=pl.col("smiles").str.len_chars(), **signs).write_csv(folder / "tox21.csv")
    return folder, labels


def test_the_accepted_error_holds_on_compounds_that_were_never_seen(assays):
    folder, labels = assays
    words = (*WORDS, "--set", "target.abstain=error=0.5")
    ended = osler("train", folder / "tox21.csv", *targets(labels), *words, "--out", folder / "m")
    assert ended.code == 0, ended.said
    scores = told(folder / "m")
    used = row(scores, "abstention", "in use")
    assert "at most 0.5 of errors among the kept, with 90% confidence" in used["about"]["how"]
    assert used["values"]["error_rate"]["low"] < 0.5
    assert used["values"]["error_rate"]["high"] < 0.55
    assert used["values"]["error_left"]["low"] > 0.7
    assert used["values"]["kept"]["low"] > 0.1
    point = scores["curves"]["selective_first"]["series"][-1]
    assert point["label"] == "in use"
    assert point["y"] == [pytest.approx(used["values"]["error_rate"]["value"], abs=1e-6)]
    lines = library.load(folder / "m").predict(folder / "tox21.csv")
    kept = lines.filter(pl.col("unsure") == "")
    assert len(kept) / len(lines) == pytest.approx(used["values"]["kept"]["value"], abs=0.05)
    assert kept["p_1"].min() >= used["about"]["threshold"] - 1e-6
