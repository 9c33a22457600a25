"""Folds, sites, a last training, two bundles compared, outputs recalibrated: on the command line, with real data."""

import json

import numpy as np
import polars as pl
import pytest

import osler as library
from tests.journeys.command import finished, osler, refused, started
from tests.journeys.test_resume import killed, same

SHORT = ("--budget", "10s", "--set", "fit.members=1", "--set", "baseline.effort=1", "--set", "split.folds=1",
         "--set", "fit.epochs=2")  # fmt: skip


def told(folder):
    return json.loads((folder / "scores.json").read_text())


def test_a_killed_cross_validation_ends_as_one_that_was_not(cancer, tmp_path):
    words = ("train", cancer / "study.yaml", "--folds", "2", "--repeats", "2", *SHORT, "--set", "fit.threads=1", "--out")
    run = tmp_path / "m.run"
    assert killed(started(*words, tmp_path / "m"), run / "outer-1" / "plan.json", 0.5)
    first = (run / "outer-0" / "plan.json").read_text()
    assert killed(started(*words, tmp_path / "m"), run / "last" / "plan.json", 0)
    assert (run / "outer-0" / "plan.json").read_text() == first
    ended = finished(started(*words, tmp_path / "m"))
    assert ended.code == 0, ended.said
    assert "an unfinished run of the same study is taken up" in ended.said
    assert "training 5 of 5: on all cases" in ended.said
    scores = told(tmp_path / "m")
    assert scores["origin"] == {"kind": "folds", "folds": 2, "repeats": 2, "refit": True}
    assert scores["counts"]["cases"] == 569
    assert scores["test"]["auroc"]["low"] > 0.9
    assert [row["label"] for row in scores["panels"]["repeats"]["rows"]][-1] == "standard deviation between repeats"
    assert not run.exists()
    assert osler(*words, tmp_path / "whole").code == 0
    assert told(tmp_path / "whole")["origin"] == scores["origin"]


def test_a_last_training_keeps_the_scores_of_the_test(cancer, tmp_path):
    words = ("train", cancer / "study.yaml", *SHORT, "--set", "fit.threads=1", "--out")
    assert osler(*words, tmp_path / "plain").code == 0
    ended = osler(*words, tmp_path / "again", "--refit")
    assert ended.code == 0, ended.said
    plain, again = told(tmp_path / "plain"), told(tmp_path / "again")
    assert again["test"] == plain["test"]
    assert again["origin"] == {"kind": "test", "refit": True}
    assert any("a last training, on all cases" in note for note in again["notes"])
    with pytest.raises(AssertionError):
        same(tmp_path / "plain", tmp_path / "again")


def test_the_classes_of_disease_are_left_out_in_turn(data, home, tmp_path):
    """SUPPORT2 has no hospitals: its four classes of disease stand in for sites."""
    rows = pl.read_csv(data / "records" / "support2.csv", infer_schema_length=None).head(700)
    left_out = ["fac_sfdm2", "fac_dnr", "num_surv2m", "num_surv6m", "num_sps", "time", "event", "fac_dzgroup"]
    died = ((rows["time"] <= 180) & (rows["event"] == 1)).cast(pl.Int8).alias("died")
    rows.drop(left_out).with_columns(died).write_csv(tmp_path / "s.csv")
    ended = osler("train", tmp_path / "s.csv", "--target", "died", "--leave-out", "fac_dzclass", "--out", tmp_path / "m", *SHORT)
    assert ended.code == 0, ended.said
    rows = {row["label"]: row for row in told(tmp_path / "m")["panels"]["site.fac_dzclass"]["rows"]}
    assert len(rows) == 6
    new = rows["a new site (95% prediction interval)"]["values"]["auroc"]
    mean = rows["mean over sites (random effects)"]["values"]["auroc"]
    assert 0.5 < mean["value"] < 0.95
    assert new["low"] < mean["low"] < mean["high"] < new["high"]


def test_inspect_tells_the_number_of_trainings(cancer):
    ended = osler("inspect", cancer / "study.yaml", "--folds", "3", *SHORT)
    assert ended.code == 0, ended.said
    assert "4 whole trainings share the budget" in ended.said


def test_folds_that_cannot_be_are_refused(cancer, tmp_path):
    words = ("train", cancer / "study.yaml", "--out", tmp_path / "m")
    assert "1 folds cannot be" in refused(osler(*words, "--folds", "1"))
    assert "no column 'hospital'" in refused(osler(*words, "--leave-out", "hospital"))
    assert "nothing to repeat" in refused(osler(*words, "--repeats", "2"))
    assert not (tmp_path / "m.run").exists()


def test_two_bundles_are_compared_in_pairs(bundle, cancer, tmp_path):
    ended = osler("train", cancer / "study.yaml", "--seed", "5", *SHORT, "--out", tmp_path / "other")
    assert ended.code == 0, ended.said
    lines = (cancer / "table.csv").read_text().splitlines()
    lines[3] += ",one cell too many"
    (tmp_path / "t.csv").write_text("\n".join(lines))
    ended = osler("compare", bundle, tmp_path / "other", tmp_path / "t.csv", "--out", tmp_path / "c.json")
    assert ended.code == 0, ended.said
    found = json.loads((tmp_path / "c.json").read_text())
    assert found["names"] == ["model", "other"]
    assert found["counts"]["cases"] == 568
    assert found["counts"]["left_out"] == 1
    for name, difference in found["differences"].items():
        assert difference["value"] == pytest.approx(found["first"][name]["value"] - found["second"][name]["value"], abs=1e-12)
    turned = library.compare(tmp_path / "other", bundle, tmp_path / "t.csv")
    for name, difference in turned.differences.items():
        low, high = found["differences"][name]["low"], found["differences"][name]["high"]
        assert difference.value == pytest.approx(-found["differences"][name]["value"], abs=1e-12)
        assert (difference.low, difference.high) == pytest.approx((-high, -low), abs=1e-9)
    same_one = library.compare(bundle, bundle, cancer / "table.csv")
    assert same_one.verdict.word == "no difference shown"
    assert same_one.differences["auroc"].value == 0


def test_bundles_that_predict_different_things_are_not_compared(bundle, home, tmp_path):
    assert osler("data", "get", "diabetes", "--to", tmp_path / "d").code == 0
    ended = osler("train", tmp_path / "d" / "study.yaml", *SHORT, "--out", tmp_path / "other")
    assert ended.code == 0, ended.said
    said = refused(osler("compare", bundle, tmp_path / "other", tmp_path / "d" / "table.csv"))
    assert "task: 'classification' in 'model', 'regression' in 'other'" in said
    assert "classes: 'benign'; 'malignant' in 'model', none in 'other'" in said


def shifted(cancer, path):
    """Every third benign tumour alone: the malignant are far more frequent than in training."""
    rows = pl.read_csv(cancer / "table.csv")
    keep = (rows["diagnosis"] == "malignant").to_numpy() | (np.arange(len(rows)) % 3 == 0)
    rows.filter(pl.Series(keep)).write_csv(path)


def test_a_recalibrated_bundle_tells_what_was_done_and_keeps_its_weights(bundle, cancer, tmp_path):
    shifted(cancer, tmp_path / "new.csv")
    words = ("evaluate", bundle, tmp_path / "new.csv", "--out", tmp_path / "e", "--recalibrate", tmp_path / "fresh")
    ended = osler(*words)
    assert ended.code == 0, ended.said
    assert "recalibrated: " in ended.said
    assert "cases of the rarer class among" in ended.said
    fresh, own = library.load(tmp_path / "fresh"), library.load(bundle)
    scores = json.loads(fresh.scores)
    assert scores["origin"]["kind"] == "recalibrated"
    rows = {row["label"]: row for row in scores["panels"]["recalibration"]["rows"]}
    assert rows["when it was trained"]["values"]["auroc"]["value"] == told(bundle)["test"]["auroc"]["value"]
    assert rows["before, on these cases"]["values"]["brier"]["value"] == told(tmp_path / "e")["test"]["brier"]["value"]
    assert rows["after, on these cases (cross-validated)"]["values"]["brier"]["value"] == scores["test"]["brier"]["value"]
    assert scores["origin"]["parent"]["test"]["auroc"] == told(bundle)["test"]["auroc"]
    about = fresh.contents.about["recalibrated"]
    assert about["parent"] == json.loads((bundle / "bundle.json").read_text())["seal"]
    assert about["update"] == scores["origin"]["update"]["test"]["name"] != "none"
    for name, array in own.contents.weights.items():
        np.testing.assert_array_equal(fresh.contents.weights[name], array)
    assert not np.array_equal(fresh.output("test").arrays["intercept"], own.output("test").arrays["intercept"])
    assert "cross-validated" in (tmp_path / "fresh" / "report.html").read_text()
    assert "recalibrated: " in (tmp_path / "fresh" / "card.md").read_text()
    assert str(tmp_path) not in (tmp_path / "fresh" / "bundle.json").read_text()
    assert osler("predict", tmp_path / "fresh", tmp_path / "new.csv", "--out", tmp_path / "p.csv").code == 0


def test_a_recalibrated_bundle_does_not_take_the_place_of_what_it_came_from(bundle, cancer, tmp_path):
    words = ("evaluate", bundle, cancer / "table.csv", "--out", tmp_path / "e", "--recalibrate")
    assert "is the bundle itself" in refused(osler(*words, bundle))
    assert "is the folder of the evaluation" in refused(osler(*words, tmp_path / "e"))


def test_a_report_cannot_be_written_into_a_bundle(cancer, bundle, tmp_path):
    before = {p.name: p.read_bytes() for p in bundle.iterdir() if p.is_file()}
    for words in (("evaluate", bundle, cancer / "table.csv"), ("explain", bundle, cancer / "table.csv", "--row", "1")):
        assert "nothing else may lie in one" in refused(osler(*words, "--out", bundle))
    assert {p.name: p.read_bytes() for p in bundle.iterdir() if p.is_file()} == before
