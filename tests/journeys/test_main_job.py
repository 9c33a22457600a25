"""From a data set to predictions and scores on the command line and in Python."""

import json
import re

import polars as pl
import pytest

import osler as library
from tests.journeys.command import FAST, SHORT, osler, refused

BARS = ["row", "probability_benign", "probability_malignant", "predicted", "set_90", "refused"]


def test_data_sets_are_listed():
    said = osler("data", "list").said
    assert "breast-cancer" in said
    assert "diabetes" in said


def test_an_unknown_data_set_ends_with_the_near_miss(tmp_path):
    assert "'breast-cancer'" in refused(osler("data", "get", "breast-cancr", "--to", tmp_path / "x"))


def test_the_bundle_scores_better_than_chance(bundle):
    scores = json.loads((bundle / "scores.json").read_text())
    assert scores["test"]["auroc"]["value"] > 0.9
    assert scores["test"]["auroc"]["low"] <= scores["test"]["auroc"]["value"] <= scores["test"]["auroc"]["high"]
    assert set(scores) >= {"test", "network", "baseline", "verdict"}


def test_nothing_is_left_beside_the_bundle(bundle):
    assert not bundle.with_name("model.run").exists()
    assert not [p.name for p in bundle.parent.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "tsv", "arrow"])
def test_each_format_keeps_rows_and_order(bundle, cancer, tmp_path, ending):
    out = tmp_path / f"p.{ending}"
    assert osler("predict", bundle, cancer / "table.csv", "--out", out).code == 0
    read = {
        "csv": pl.read_csv, "tsv": lambda p: pl.read_csv(p, separator="\t"), "parquet": pl.read_parquet,
        "jsonl": pl.read_ndjson, "arrow": pl.read_ipc,
    }  # fmt: skip
    found = read[ending](out)
    assert found.columns == BARS
    assert found["row"].to_list() == list(range(1, 570))
    truth = pl.read_csv(cancer / "table.csv")["diagnosis"]
    assert (found["predicted"] == truth).mean() > 0.85
    assert set(found["refused"].fill_null("")) == {""}
    assert not out.with_name(f"p.{ending}.parts").exists()


def test_a_row_that_cannot_be_used_says_why_and_keeps_its_place(bundle, cancer, tmp_path):
    lines = (cancer / "table.csv").read_text().splitlines()
    lines[3] = "," * lines[0].count(",")
    lines[5] = lines[5] + ",one cell too many"
    (tmp_path / "t.csv").write_text("\n".join(lines[:10]))
    assert osler("predict", bundle, tmp_path / "t.csv", "--out", tmp_path / "p.csv").code == 0
    found = pl.read_csv(tmp_path / "p.csv").with_columns(pl.col("refused").fill_null(""))
    assert len(found) == 9
    assert [bool(reason) for reason in found["refused"]] == [False, False, True, False, True, False, False, False, False]
    assert "no_input" in found["refused"][2]
    assert found["probability_benign"].is_null().to_list() == [bool(reason) for reason in found["refused"]]


def test_evaluate_scores_new_data_and_writes_a_report(bundle, cancer, tmp_path):
    ended = osler("evaluate", bundle, cancer / "table.csv", "--out", tmp_path / "new")
    assert ended.code == 0, ended.said
    scores = json.loads((tmp_path / "new" / "scores.json").read_text())
    assert scores["test"]["auroc"]["value"] > 0.9
    report = (tmp_path / "new" / "report.html").read_text()
    assert "http" not in report.replace("http://www.w3.org", "")
    assert "On 569 new cases, AUROC is" in report


def test_single_cases_lie_beside_the_bundle_and_never_in_it(bundle, cancer, tmp_path):
    page = bundle.with_name("model.cases.html").read_text()
    table = pl.read_csv(cancer / "table.csv")
    rows = [int(n) for n in re.findall(r"row (\d+)<", page)]
    assert 20 <= len(rows) <= 40
    assert all(f"<b>{table['worst area'][n - 1]:g}</b>" in page for n in rows[:3])
    assert "cases.html" not in json.loads((bundle / "bundle.json").read_text())["files"]
    assert osler("evaluate", bundle, cancer / "table.csv", "--out", tmp_path / "new").code == 0
    told = re.findall(r"row (\d+)<", (tmp_path / "new" / "cases.html").read_text())
    assert 20 <= len(told) <= 40


def test_an_edited_plan_is_followed(cancer, plan, tmp_path):
    edited = json.loads(plan.read_text())
    text = plan.read_text()
    assert "fit.epochs" in json.dumps(edited)
    (tmp_path / "plan.json").write_text(text.replace('"fit.epochs",\n   "value": 2', '"fit.epochs",\n   "value": 1'))
    assert (tmp_path / "plan.json").read_text() != text
    ended = osler("train", cancer / "study.yaml", "--plan", tmp_path / "plan.json", "--out", tmp_path / "model")
    assert ended.code == 0, ended.said
    assert library.load(tmp_path / "model").contents.plan["fit.epochs"] == 1


def test_an_unknown_decision_ends_with_the_near_miss(cancer, tmp_path):
    ended = osler("train", cancer / "study.yaml", "--out", tmp_path / "m", *SHORT, "--set", "fit.epoch=3")
    said = refused(ended)
    assert "fit.epoch" in said
    assert "did you mean 'fit.epochs'?" in said
    assert not (tmp_path / "m").exists()


def test_a_decision_with_an_impossible_value_is_refused(cancer, tmp_path):
    assert "fit.epochs" in refused(osler("train", cancer / "study.yaml", "--out", tmp_path / "m", "--set", "fit.epochs=many"))


def test_an_unknown_column_ends_with_the_near_miss(cancer, tmp_path):
    ended = osler("train", cancer / "table.csv", "--target", "diagnosys", "--out", tmp_path / "m")
    assert "did you mean 'diagnosis'?" in refused(ended)


def test_python_trains_and_predicts_frames_mappings_and_files(home, tmp_path):
    assert osler("data", "get", "diabetes", "--to", tmp_path / "d").code == 0
    frame = pl.read_csv(tmp_path / "d" / "table.csv")
    target = (tmp_path / "d" / "study.yaml").read_text().split("target: ")[1].split()[0]
    settings = {"fit.epochs": 2, "fit.members": 1, "baseline.effort": 1, "split.folds": 2}
    model = library.train(frame, target=target, out=tmp_path / "m", settings=settings, budget=0.3)
    assert json.loads(model.scores)["test"]["rmse"]["value"] > 0
    opened = library.load(tmp_path / "m")
    few = frame.head(20)
    shown = [opened.predict(x) for x in (few, few.to_pandas(), few.to_dict(as_series=False), few.to_arrow())]
    for other in shown[1:]:
        assert other.equals(shown[0])
    whole = opened.predict(tmp_path / "d" / "table.csv")
    assert len(whole) == len(frame)
    assert whole.head(20).equals(shown[0])
    assert f"regression of {target}" in opened._repr_html_()


def test_a_column_known_too_late_stops_the_run(data, tmp_path):
    """SUPPORT2 as published: how patients fared after two months stands among the inputs."""
    rows = pl.read_csv(data / "records" / "support2.csv", infer_schema_length=None).head(2000)
    died = ((rows["time"] <= 180) & (rows["event"] == 1)).cast(pl.Int8).alias("died")
    rows.with_columns(died).write_csv(tmp_path / "s.csv")
    ended = osler("train", tmp_path / "s.csv", "--target", "died", "--out", tmp_path / "m", *FAST)
    assert ended.code == 2
    for name in ("fac_sfdm2", "time", "event"):
        assert f"column '{name}' gives the outcome away" in ended.said
    assert "--drop-leaks leaves the 3 columns out" in ended.said
    inspected = osler("inspect", tmp_path / "s.csv", "--target", "died", "--exclude", "time", "--exclude", "event", *FAST)
    assert inspected.code == 0
    assert "would stop here" in inspected.said
    assert "'fac_sfdm2'" in inspected.said


def test_survival_of_the_seriously_ill(data, home, tmp_path):
    """SUPPORT2: numbers, categories and missing cells; the honest columns only."""
    rows = pl.read_csv(data / "records" / "support2.csv", infer_schema_length=None).head(1500)
    left_out = ["fac_sfdm2", "fac_dnr", "num_surv2m", "num_surv6m", "num_sps", "time", "event"]
    died = ((rows["time"] <= 180) & (rows["event"] == 1)).cast(pl.Int8).alias("died")
    rows.drop([c for c in left_out if c in rows.columns]).with_columns(died).write_csv(tmp_path / "s.csv")
    ended = osler("train", tmp_path / "s.csv", "--target", "died", "--out", tmp_path / "m", *FAST, "--set", "fit.epochs=4")
    assert ended.code == 0, ended.said
    assert json.loads((tmp_path / "m" / "scores.json").read_text())["test"]["auroc"]["value"] > 0.6
