"""New cases that are few, of one class, in other units or without a group: what a user reads of them."""

import json

import polars as pl
import pytest

import osler as library
from tests.journeys.command import SHORT, osler, refused
from tests.unit.spine.test_report import Page

QUICK = (*SHORT, "--set", "explain.seconds=0")


@pytest.fixture(scope="module")
def rows(cancer):
    """Two rows a patient, of one class."""
    found = pl.read_csv(cancer / "table.csv").sort("diagnosis", maintain_order=True)
    return found.with_columns((pl.int_range(pl.len()) // 2).alias("patient"))


@pytest.fixture(scope="module")
def grouped(rows, home):
    rows.write_csv(home / "grouped.csv")
    words = ("train", home / "grouped.csv", "--target", "diagnosis", "--group", "patient")
    ended = osler(*words, *QUICK, "--out", home / "grouped_model")
    assert ended.code == 0, ended.said
    return home / "grouped_model"


def evaluated(bundle, table, folder, *more):
    """Return what the command said, scores.json and the text of the report."""
    table.write_csv(folder / "new.csv")
    ended = osler("evaluate", bundle, folder / "new.csv", "--out", folder / "e", *more)
    assert ended.code == 0, ended.said
    scores = json.loads((folder / "e" / "scores.json").read_text())
    return ended.said, scores, Page((folder / "e" / "report.html").read_text()).text


@pytest.mark.parametrize("case", ["one case", "four cases", "two patients"])
def test_scores_of_very_few_are_withheld(case, rows, grouped, tmp_path):
    some = {"one case": rows.head(1), "four cases": rows.tail(4), "two patients": pl.concat([rows.head(2), rows.head(4)])}[case]
    said, scores, text = evaluated(grouped, some, tmp_path)
    why = f"Scores are withheld: they rest on fewer than 5 {'groups' if case == 'two patients' else 'cases'}"
    assert why in said
    assert scores["test"] == scores["network"] == scores["baseline"] == scores["panels"] == scores["curves"] == {}
    assert why in scores["origin"]["withheld"]
    assert scores["drift"] == {"cases": len(some), "inputs": {}, "outcome": []}
    assert text.count(why) == 3  # in the answer, the cautions and the scores
    assert "AUROC" not in text
    assert "AUROC" not in (tmp_path / "e" / "card.md").read_text()
    words = ("evaluate", grouped, tmp_path / "new.csv", "--out", tmp_path / "e", "--recalibrate", tmp_path / "fresh")
    assert "too few to recalibrate on" in refused(osler(*words))
    assert not (tmp_path / "fresh").exists()


def test_a_tiny_test_is_withheld_in_training_too(rows, tmp_path):
    parts = pl.Series("part", ["train"] * 196 + ["test"] * 4)
    pl.concat([rows.head(100), rows.tail(100)]).drop("patient").with_columns(parts).write_csv(tmp_path / "t.csv")
    ended = osler("train", tmp_path / "t.csv", "--target", "diagnosis", "--split", "part", *QUICK, "--out", tmp_path / "m")
    assert ended.code == 0, ended.said
    assert "Scores are withheld" in ended.said
    assert json.loads((tmp_path / "m" / "scores.json").read_text())["test"] == {}


def test_one_class_has_a_reason_instead_of_a_dash(rows, grouped, tmp_path):
    _, scores, text = evaluated(grouped, rows.head(150), tmp_path)
    assert "On these 150 cases AUROC has no value. Every one of them has the same diagnosis: benign." in text
    assert "Network and baseline cannot be compared: AUROC has no value on these cases." in text
    assert "AUROC is –" not in text
    assert "differs by –" not in text
    assert "has no interval" not in text
    assert "150 (100%) malignant" in text
    brier = scores["test"]["brier"]
    assert brier["low"] < brier["value"] < brier["high"]  # all 150 carry it: that none is malignant takes nothing from it


def test_the_outcome_of_new_cases_stands_beside_that_of_training(rows, grouped, tmp_path):
    new = pl.concat([rows.head(100), rows.tail(40)])
    _, _, text = evaluated(grouped, new, tmp_path)
    assert "Class Training New cases" in text
    assert "100 (71.4%)" in text
    assert "40 (28.6%)" in text
    assert "The test set is small: 40 of 140 cases belong to the rarest class (malignant)." in text
    assert f"The cases belong to {new['patient'].n_unique()} groups" in text
    assert "40 (28.6%) among the new cases" in (tmp_path / "e" / "card.md").read_text()


def test_a_missing_group_is_told(rows, grouped, tmp_path):
    _, _, text = evaluated(grouped, rows.drop("patient"), tmp_path)
    assert "No column says which rows belong to one patient." in text
    assert "The table has no column 'patient', which named the groups in training." in text


def test_other_units_are_not_recalibrated_on(rows, grouped, tmp_path):
    rows.with_columns(pl.col("worst area") * 1000).write_csv(tmp_path / "new.csv")
    words = ("evaluate", grouped, tmp_path / "new.csv", "--out", tmp_path / "e", "--recalibrate", tmp_path / "fresh")
    said = refused(osler(*words))
    assert "no bundle is recalibrated on these cases" in said
    assert "'worst area' has a mean of" in said
    assert "--despite-drift" in said
    assert not (tmp_path / "fresh").exists()
    assert "worst area" in (tmp_path / "e" / "report.html").read_text()  # they are scored none the less
    ended = osler(*words, "--despite-drift")
    assert ended.code == 0, ended.said
    assert library.load(tmp_path / "fresh").contents.about["recalibrated"]


def test_what_fails_leaves_no_folder(rows, grouped, tmp_path):
    rows.with_columns(diagnosis=pl.lit("unheard of")).write_csv(tmp_path / "new.csv")
    refused(osler("evaluate", grouped, tmp_path / "new.csv", "--out", tmp_path / "deep" / "e"))
    refused(osler("explain", grouped, tmp_path / "new.csv", "--row", "9999", "--out", tmp_path / "deep" / "x"))
    said = refused(osler("explain", grouped, tmp_path / "new.csv", "--row", "1", "--language", "fr", "--out", tmp_path / "x"))
    assert "no words in language 'fr'; there is 'en' (English) and 'zh' (简体中文)" in said
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]
    assert osler("explain", grouped, tmp_path / "new.csv", "--row", "1", "--out", tmp_path / "deep" / "x").code == 0
    assert (tmp_path / "deep" / "x" / "explanation.html").exists()


def test_an_unknown_language_ends_with_those_there_are(cancer, tmp_path):
    said = refused(osler("train", cancer / "study.yaml", "--language", "fr", "--out", tmp_path / "m"))
    assert "'language': there is 'en' or 'zh'" in said


TOO_FEW = {
    3: "3 groups cannot be divided: 3 are needed to train, to choose when to stop and to calibrate on, and at least one more",
    4: "3 groups beside the test are too few, or of too unequal sizes, for 2 folds",
}


@pytest.mark.parametrize(("groups", "told"), TOO_FEW.items())
def test_too_few_groups_are_told_without_contradiction(groups, told, rows, tmp_path):
    rows.with_columns(patient=pl.int_range(pl.len()) % groups).write_csv(tmp_path / "t.csv")
    words = ("inspect", tmp_path / "t.csv", "--target", "diagnosis", "--group", "patient", "--set", "split.folds=2")
    assert told in refused(osler(*words))


def test_a_recalibrated_bundle_is_judged_by_its_probabilities(rows, grouped, tmp_path):
    """Half of the tumours with their labels turned: probabilities are far off, and their order is the same after an update."""
    turned = pl.when(pl.int_range(pl.len()) % 4 == 0).then(pl.lit("malignant")).otherwise(pl.col("diagnosis"))
    rows.with_columns(diagnosis=turned).write_csv(tmp_path / "new.csv")
    words = ("evaluate", grouped, tmp_path / "new.csv", "--out", tmp_path / "e", "--recalibrate", tmp_path / "fresh")
    assert osler(*words).code == 0
    found = library.compare(tmp_path / "fresh", grouped, tmp_path / "new.csv")
    assert found.differences["auroc"].value == 0
    assert found.verdict == found.probabilities
    assert (found.verdict.measure, found.verdict.word) == ("log_loss", "better")
    assert found.notes[0].startswith("Both put the cases in the same order, so auroc is the same by construction")
    assert "log_loss differs by" in osler("compare", tmp_path / "fresh", grouped, tmp_path / "new.csv").said
    assert library.compare(grouped, grouped, tmp_path / "new.csv").verdict.measure == "auroc"


def test_equal_predictions_are_told(rows, grouped, tmp_path):
    constant = rows.with_columns(pl.lit(rows[c].mean()).alias(c) for c in rows.columns if rows[c].dtype == pl.Float64)
    _, scores, text = evaluated(grouped, constant, tmp_path)
    assert scores["test"]["auroc"]["value"] == pytest.approx(0.5, abs=0.05)  # rounding alone tells cases apart
    assert "All cases got the same prediction: here the model tells no case from another." in text


def test_a_subgroup_column_of_many_values_and_the_threshold_are_told(rows, grouped, tmp_path):
    many = rows.with_columns(pl.format("v{}", pl.int_range(pl.len())).alias("visit"))
    _, scores, text = evaluated(grouped, many, tmp_path, "--subgroup", "visit", "--subgroup", "mean radius")
    told = "Column 'visit' has 569 different values, none of them shared by 20 cases: no subgroups of it are told."
    assert scores["panels"]["subgroup.visit"] == {"rows": [], "notes": [told]}
    assert told in text
    assert "Where a decision is needed, it is taken at the threshold 0.5" in text
    words = ("evaluate", grouped, tmp_path / "new.csv", "--out", tmp_path / "e", "--subgroup", "mean radius")
    assert osler(*words, "--recalibrate", tmp_path / "fresh").code == 0
    assert "subgroup.mean radius" in json.loads((tmp_path / "fresh" / "scores.json").read_text())["panels"]
    assert 'id="subgroups"' in (tmp_path / "fresh" / "report.html").read_text()
